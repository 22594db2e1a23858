"""Parts of the bench that hurt a herd or follow a report through it; each has measure(bench) and show(what it gave)."""
