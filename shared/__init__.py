"""What every service of Lobby stands on: contracts, the log, the bus and the web edge."""
