"""What the counts say, as typed results. The arithmetic is the kernel's."""
