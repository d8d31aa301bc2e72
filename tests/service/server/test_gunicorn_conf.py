"""What gunicorn's configuration prepares before the workers are forked."""

import subprocess
import sys
from pathlib import Path

from tests.bundles import write_picture_bundle, write_table_bundle
from tests.fakes import picture, table
from tests.servers import ROOT

REQUESTS = """
import sys
from pathlib import Path
from service.server.gunicorn_conf import import_shared_modules
import_shared_modules()
before = set(sys.modules)
from service.wsgi import app
client = app.test_client()
folder = Path(sys.argv[1])
for path, kind, body in (
    ("strokes/predict?explain=true", "image/png", (folder / "picture").read_bytes()),
    ("rooms/predict", "text/csv", (folder / "table").read_bytes()),
    ("rooms/predict", "application/json", b'{"instances": [{"size": 1, "colour": "red"}]}'),
):
    assert client.post(f"/models/{path}", data=body, content_type=kind).status_code == 200
imported = set(sys.modules) - before
ours = {name for name in imported if name.startswith(("service.", "vitrine."))}
print(*sorted(ours | (imported & {"PIL", "pyarrow", "pandas"})))
"""


def test_workers_import_no_library_of_their_own(tmp_path: Path) -> None:
    write_table_bundle(tmp_path / "models")
    write_picture_bundle(tmp_path / "models")
    (tmp_path / "picture").write_bytes(picture())
    (tmp_path / "table").write_bytes(table(10))

    imported = subprocess.check_output(
        [sys.executable, "-c", REQUESTS, tmp_path],
        cwd=ROOT,
        env={"VITRINE_MODELS": str(tmp_path / "models"), "VITRINE_LOG_LEVEL": "ERROR"},
        text=True,
    )

    assert imported.split() == ["service.server.sharing", "service.wsgi"]
