"""The evidence counted, by whatever counts it fastest."""
