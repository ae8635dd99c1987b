"""Doubles of the Google services that the Firebase platform calls, on real sockets; `firebase_admin` itself stays real."""
