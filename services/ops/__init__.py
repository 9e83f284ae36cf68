"""What runs the services and works with them from outside, behind the ``lobby`` command.

``cli`` holds the commands and starts the services; ``simulator`` plays a branch's people over HTTP;
``experiments`` compare policies and judge promised waits without running services; ``provisioning``
prepares what a deployment needs: secrets, definitions, roles, migrations.
"""
