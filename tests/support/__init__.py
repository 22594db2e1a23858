"""What the tests share: herds of real processes, and clients that talk to them."""
