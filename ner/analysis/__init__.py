"""From the directories of runs to tables, tests and pictures; trains nothing and needs no corpus."""
