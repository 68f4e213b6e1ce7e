#!/usr/bin/env python3
"""Draws docs/terminal.svg: a real bash in a real terminal (tmux), the built programs, and the Platform on loopback.

    cargo build --bins --example platform && docs/picture.py
"""

import html
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "target" / "debug"
WIDTH, HEIGHT = 160, 20
COLOURS = ["#3b4252", "#bf616a", "#a3be8c", "#ebcb8b", "#81a1c1", "#b48ead", "#88c0d0", "#d8dee9"]
BROWSER = """#!/usr/bin/env python3
# A person who presses Allow.
import re, sys, urllib.error, urllib.parse, urllib.request
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
opened = urllib.request.urlopen(sys.argv[1])
url, page = opened.geturl(), opened.read().decode()
handle = re.search(r'name="request" value="([^"]*)"', page)[1]
form = urllib.parse.urlencode({"request": handle, "decision": "allow"}).encode()
try:
    urllib.request.build_opener(Stay).open(urllib.parse.urljoin(url, "authorize/continue"), form)
except urllib.error.HTTPError as answer:
    urllib.request.urlopen(answer.headers["location"])
"""
RC = """
PS1='\\[\\e[34m\\]\\w\\[\\e[0m\\] $ '
eval "$(seqera hook bash)"
PS1='${seqera_prompt:+$seqera_prompt }'"$PS1"
"""


def wait_for(what, limit=30):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError("the terminal does not show what was waited for")


def draw(screen):
    """The screen with its colours, as tmux tells them, as SVG."""
    rows = screen.rstrip().split("\n")
    out = []
    for number, row in enumerate(rows):
        colour, bold, spans = None, False, []
        for code, text in re.findall(r"(?:\x1b\[([0-9;]*)m)?([^\x1b]*)", row):
            for part in filter(None, code.split(";")):
                part = int(part)
                if part in (0, 39):
                    colour = None
                if part == 0:
                    bold = False
                if part == 1:
                    bold = True
                if 30 <= part <= 37:
                    colour = COLOURS[part - 30]
                if 90 <= part <= 97:
                    colour = COLOURS[part - 90]
            if text:
                style = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if bold else "")
                spans.append(f"<tspan{style}>{html.escape(text)}</tspan>")
        out.append(f'<text x="16" y="{30 + 19 * number}">{"".join(spans)}</text>')
    longest = max(len(re.sub(r"\x1b\[[0-9;]*m", "", row)) for row in rows)
    width, height = 32 + round(8.43 * longest), 26 + 19 * len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#d8dee9">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#2e3440"/>\n<g xml:space="preserve">\n'
        + "\n".join(out)
        + "\n</g>\n</svg>\n"
    )


def main():
    home = Path(tempfile.mkdtemp(prefix="seqera-picture-"))
    platform = subprocess.Popen([BUILT / "examples" / "platform"], stdout=subprocess.PIPE, text=True)
    tmux = ["tmux", "-S", str(home / "tmux"), "-f", "/dev/null"]
    try:
        api = None
        while not api:
            api = re.search(r"SEQERA_PLATFORM_API_URL=(\S+)", platform.stdout.readline())
        (home / "bin").mkdir()
        (home / "run").mkdir(mode=0o700)
        for name in ("seqera", "seqera-credential-helper"):
            (home / "bin" / name).symlink_to(BUILT / name)
        browser = home / "bin" / "browser"
        browser.write_text(BROWSER)
        browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
        (home / "rc").write_text(RC)
        env = {
            "HOME": str(home), "PATH": f"{home}/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": str(home / "run"),
            "SEQERA_HELPER_STORE": "file", "LANG": "C.UTF-8", "TERM": "xterm-256color", "TZ": "UTC", "HISTFILE": "/dev/null",
            "BROWSER": str(browser),
        }
        subprocess.run(
            [*tmux, "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "-c", str(home),
             "bash", "--rcfile", str(home / "rc"), "-i"],
            env=env, check=True)
        shown = lambda: subprocess.run(
            [*tmux, "capture-pane", "-e", "-p"], env=env, capture_output=True, text=True, check=True).stdout
        plain = lambda: re.sub(r"\x1b\[[0-9;]*m", "", shown())
        send = lambda line: subprocess.run([*tmux, "send-keys", line, "Enter"], env=env, check=True)
        prompts = lambda count: lambda: plain().count("~ $ ") + plain().count("~ $\n") >= count
        wait_for(prompts(1))
        send(f"seqera login --endpoint {api[1]}")
        wait_for(lambda: "1" in plain() and "acme" in plain())
        send("1")
        wait_for(prompts(2))
        send("seqera workspace switch research; clear")
        wait_for(lambda: plain().startswith("acme/research") and prompts(1)())
        send("seqera status")
        wait_for(prompts(2))
        send("seqera org switch community")
        wait_for(prompts(3))
        time.sleep(0.5)
        screen = shown().replace(str(home), "~")
        (ROOT / "docs" / "terminal.svg").write_text(draw(screen))
        print(re.sub(r"\x1b\[[0-9;]*m", "", screen).rstrip())
    except TimeoutError:
        sys.exit(plain())
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True)
        platform.terminate()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
