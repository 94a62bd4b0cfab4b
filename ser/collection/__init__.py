"""Whole collections: what is in one, an answer for each clip, and a table of them all."""
