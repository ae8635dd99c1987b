"""A directory on this machine; README.md says how it behaves."""

from integrations.folder.platform import Folder

PLATFORM = Folder
