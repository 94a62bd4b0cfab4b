"""How the page is served: what stands before it, what it takes, and where it writes."""
