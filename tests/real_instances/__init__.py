"""Tests of the instances on real deliveries: what the files hold, and published results (oracles)."""
