"""vip: arrivals, the lounge, hand-offs to managers, the duty roster (V1-V3, V8)."""
