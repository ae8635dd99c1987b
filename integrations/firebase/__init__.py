"""Firebase Storage, through Cloud Storage's notifications and the Admin SDK; README.md says how it behaves."""

from integrations.firebase.platform import Firebase

PLATFORM = Firebase
