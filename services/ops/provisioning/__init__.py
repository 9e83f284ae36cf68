"""What a deployment needs before its first start: secrets, definitions, database roles, the proxy's routes.

``python -m services.ops.provisioning`` in the one-shot containers of docker-compose.yml. Everything may be
run again: secrets that exist are kept, everything else is written anew from the code's own
descriptions (topology, catalog), so that an upgrade needs no other step.
"""
