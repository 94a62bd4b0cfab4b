"""The Hugging Face Hub: publish, fetch, deploy, share; and say plainly what failed."""
