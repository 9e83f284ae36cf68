"""The nameko extension that a container's HTTP entrypoints share."""

from nameko.extensions import SharedExtension

from shared.settings import Settings
from shared.web.app import Route
from shared.web.listener import Listener, listener_of
from shared.web.readiness import Check, Checks


class WebServer(SharedExtension):
    """Serves a container's entrypoints on its service's address; embedded, all containers share the gateway's.

    ``listener`` is the socket's owner, from ``setup`` on.
    """

    listener: Listener

    def __init__(self) -> None:
        """Called by nameko more than once; takes nothing yet."""
        super().__init__()
        self._routes: list[Route] = []

    @property
    def port(self) -> int:
        """The port, also where port 0 asked for any free one."""
        return self.listener.address[1]

    def register(self, route: Route) -> None:
        """Serve one more entrypoint; called by entrypoints in their ``setup``."""
        self._routes.append(route)

    def setup(self) -> None:
        """Take the address before anything in the container starts; raise SettingsError if it can't be had."""
        settings: Settings = self.container.config["settings"]
        service = "gateway" if settings.embedded else self.container.service_name
        self.listener = listener_of(settings.address_of(service), settings, self.container.config["topology"])
        self.listener.join(self)

    def start(self) -> None:
        """Serve the container's routes."""
        self.listener.app.mount(self, self.container.service_name, self._routes, self._checks)
        self.listener.serve()

    def stop(self) -> None:
        """Serve them no longer; close the socket if this was the last container on it."""
        if hasattr(self, "listener"):
            self.listener.app.unmount(self)
            self.listener.leave(self)

    kill = stop

    def _checks(self) -> Checks:
        """Collect the checks of the container's extensions: those that have ``readiness_checks() -> {name: check}``."""
        found: dict[str, Check] = {}
        for extension in self.container.extensions:
            if hasattr(extension, "readiness_checks"):
                found.update(extension.readiness_checks())
        return found
