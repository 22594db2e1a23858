"""The nemesis: a herd of real processes, hurt and checked."""
