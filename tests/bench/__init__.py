"""Speed and memory beside others, measured in turn in one run: `python -m tests.bench`."""
