"""The tab Live: a microphone, heard piece by piece."""
