"""The pieces of the demo that `app.py` puts together, each testable without a browser."""
