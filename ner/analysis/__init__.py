"""From run directories to tables, tests, charts and a page. It trains nothing and needs no corpus."""
