"""Connections of a workspace to other servers, with secrets that go to their own host only."""
