"""Make it better: candidates for retrieval and prompts, made by measurement. What is made here is released by nobody here."""
