"""What axe-core says of a page's accessibility, in headless Chromium, light and dark.

``npm pack axe-core``, unpack it, then ``python benchmarks/axe.py package/axe.min.js PAGE...``. A
copy of each page without its content policy, which would refuse the foreign script, is opened;
printed are the rules that pass, those that fail with their nodes, and those axe cannot decide. Exit
status 1 where a rule fails. Needs nothing but Python and Chromium.
"""

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ASKED = """
<script>%s</script>
<script>
axe.run(document).then((found) => {
  const told = document.createElement("pre");
  told.id = "told";
  const short = (rules) => rules.map((r) => [r.id, r.impact, r.nodes.map((n) => n.html)]);
  told.textContent = JSON.stringify({
    passes: found.passes.length, fails: short(found.violations), open: short(found.incomplete)});
  document.body.append(told);
});
</script>
</body>"""
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
SCHEMES = {"light": "1", "dark": "0"}


def asked(page: Path, axe: Path, scheme: str) -> dict:
    """Axe's findings on ``page`` in one colour scheme."""
    text = POLICY.sub("", page.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "page.html"
        copy.write_text(text.replace("</body>", ASKED % axe.read_text(encoding="utf-8")))
        done = subprocess.run(
            [
                shutil.which("chromium") or "chromium", "--headless", "--no-sandbox",
                "--disable-gpu", f"--user-data-dir={folder}/profile", "--disable-sync",
                f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
                "--virtual-time-budget=60000", "--dump-dom", copy.as_uri(),
            ],
            capture_output=True,
            text=True,
            check=True,
        )  # fmt: skip
    return json.loads(html.unescape(re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.S)[1]))


def main() -> int:
    """Print both schemes of every page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("axe", type=Path)
    parser.add_argument("pages", type=Path, nargs="+")
    given = parser.parse_args()
    good = True
    for page in given.pages:
        for scheme in SCHEMES:
            found = asked(page, given.axe, scheme)
            good &= not found["fails"]
            print(f"{page}, {scheme}: {found['passes']} rules pass, {len(found['fails'])} fail")
            for what in ("fails", "open"):
                for rule, impact, nodes in found[what]:
                    print(f"  {what}: {rule} ({impact}), {len(nodes)} nodes, the first {nodes[0]}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
