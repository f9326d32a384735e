"""The sky's archive on loopback: files with ranges and validators, TAP, and scripted faults."""

import gzip
import hashlib
import json
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable
from functools import cached_property
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from .faults import Fault
from .request_handler import Exchange, make_handler

if TYPE_CHECKING:
    from .tap_tables import Tables

ENVIRONMENT = "SPECTROTRANSLATOR_URL_MAP"
VIZIER = "https://cdsarc.cds.unistra.fr/ftp/J/A+A/690/A54/"
VIZIER_MIRROR = "https://vizier.cfa.harvard.edu/ftp/cats/J/A+A/690/A54/"
GALAH = "https://cloud.datacentral.org.au/teamdata/GALAH/public/GALAH_DR3/"
APOGEE = "https://data.sdss.org/sas/dr17/apogee/spectro/aspcap/dr17/synspec_rev1/"
TAP = "https://tapvizier.cds.unistra.fr/TAPVizieR/tap"
TAP_ESA = "https://gea.esac.esa.int/tap-server/tap"
PREFIXES = {
    VIZIER: "/vizier/",
    VIZIER_MIRROR: "/vizier-mirror/",
    GALAH: "/galah/",
    APOGEE: "/apogee/",
    TAP: "/tap",
    TAP_ESA: "/tap-esa",
}
SKY_FILES = {
    "/galah/": ("GALAH_DR3_main_allstar_v2.fits", "GALAH_DR3_VAC_GaiaEDR3_v2.fits"),
    "/apogee/": ("allStarLite-dr17-synspec_rev1.fits",),
}
PUBLISHED_FILES = ("ReadMe", "g2a.dat.gz", "a2g.dat.gz")


class Archive:
    """Serve a sky on a free loopback port while the context is open.

    Parameters
    ----------
    sky
        Folder with the survey files and ``gaia.parquet``, as ``simulate`` names them.
    published
        Folder with ReadMe, g2a.dat.gz, a2g.dat.gz, if there are any; the plain .dat are served too.
    faults
        What goes wrong, in the order in which they are tried.
    extra
        Further files, by their path on this archive.
    """

    def __init__(
        self,
        sky: Path | None = None,
        published: Path | None = None,
        faults: Iterable[Fault] = (),
        extra: dict[str, Path] | None = None,
    ):
        self.files: dict[str, Path] = dict(extra or {})
        self.jobs: dict[str, dict] = {}
        self.exchanges: list[Exchange] = []
        self._faults = list(faults)
        self._counts = [0] * len(self._faults)
        self._lock = threading.Lock()
        self._scratch: Path | None = None
        self._packed: dict[str, Path] = {}
        self.closing = threading.Event()
        self._sky = Path(sky) if sky else None
        if sky:
            self._add_sky(Path(sky))
        if published:
            self._add_published(Path(published))

    def _add_sky(self, sky: Path) -> None:
        for folder, names in SKY_FILES.items():
            for name in names:
                if (sky / name).exists():
                    self.files[folder + name] = sky / name

    def _add_published(self, published: Path) -> None:
        for folder in ("/vizier/", "/vizier-mirror/"):
            for name in PUBLISHED_FILES:
                if (published / name).exists():
                    self.files[folder + name] = published / name
                    if name.endswith(".gz"):
                        self._packed[folder + name.removesuffix(".gz")] = published / name

    @cached_property
    def tables(self) -> "Tables":
        """What TAP serves; read when TAP is first asked, for the files are served without."""
        from .tap_tables import Tables

        return Tables(self._sky)

    def find(self, path: str) -> Path | None:
        """The file behind a path; a packed one is unpacked when first asked for."""
        with self._lock:
            if path in self._packed and path not in self.files:
                self._scratch = self._scratch or Path(tempfile.mkdtemp(prefix="minisky-"))
                target = self._scratch / hashlib.sha256(path.encode()).hexdigest()
                with gzip.open(self._packed[path]) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
                self.files[path] = target
            return self.files.get(path)

    def fault_for(self, method: str, path: str, tap: bool) -> Fault | None:
        """The fault that hits this request, if any; every fault counts its own requests."""
        hit = None
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.kind.startswith("tap-") != tap or not fault.concerns(method, path):
                    continue
                self._counts[index] += 1
                if hit is None and (not fault.requests or self._counts[index] in fault.requests):
                    hit = fault
        return hit

    def bytes_sent(self, path: str = "") -> int:
        """Bytes of bodies sent so far for paths that contain ``path``."""
        return sum(exchange.sent for exchange in list(self.exchanges) if path in exchange.path)

    @property
    def url(self) -> str:
        """Address of the archive, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def url_map(self, refused: Iterable[str] = ()) -> dict[str, str]:
        """Canonical prefix -> address here; nobody listens at those in ``refused``."""
        addresses = {prefix: self.url + path for prefix, path in PREFIXES.items()}
        for prefix in refused:
            addresses[prefix] = f"http://127.0.0.1:{_closed_port()}{PREFIXES[prefix]}"
        return addresses

    def environment(self, refused: Iterable[str] = ()) -> dict[str, str]:
        """What a fetching process needs in its environment to find this archive."""
        return {
            ENVIRONMENT: json.dumps(self.url_map(refused), sort_keys=True),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def __enter__(self) -> "Archive":
        self._server = _Server(("127.0.0.1", 0), make_handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A client that goes away is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
