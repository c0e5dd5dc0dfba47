"""The pages of docs as a site: `python -m tests.docs.website build/site` builds it, and fails at any warning."""
