"""The tab Recognise: a recording, its answer, and what the page says, draws and keeps of it."""
