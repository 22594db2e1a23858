"""What the bench measures: the herd, and what people would use instead, all by the same verbs."""
