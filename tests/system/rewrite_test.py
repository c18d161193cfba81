# SPDX-License-Identifier: Apache-2.0
"""The way of a site onto the network: its pages are rewritten where they lie, and from then on
browsers take the pages from its own server and all that is static from a pop."""
import html.parser
import json
import os
import re
import shutil
import urllib.parse

import pytest

from origin import PAGES, Origin, embedded_in
from waypost import AMS_ORIGIN, NYC_ORIGIN, ZONE, network, run_waypost, sites
from world import run

PAGE, RICH, WWW, STATIC = "/atomiccommit.html", "/fossildelta/rich.html", "www.acme.test", \
    "static.acme.test"
# A page with everything on it; what browsers fetch of it, and from where, stands below.
PAGE_TEXT = """\
<!doctype html><html><head><title>rich</title>
<link rel="stylesheet" href="../rich.css"><link rel=icon href=/favicon.ico>
<style>h1 { background: url("../images/qp/tab.gif") }</style>
<script src="/rich.js"></script>
<script>var s = '<img src="/images/no.png">';</script></head>
<body><h1>rich</h1><!-- <img src="/images/no.png"> -->
<p style="background:url(&quot;/images/vfs1.gif&quot;)">x</p>
<img srcset="/images/shared.gif 1x, /images/shared.gif 2x" alt="set"><img src="/dynamic?n=1" alt="d">
<video poster="../images/qp/orquery.gif"></video><noscript><img src="/images/cc-diff.jpg"></noscript>
<svg width="9" height="9"><image xlink:href="/images/qp/idx1.gif" width="9" height="9"/></svg>
<img src="http://www.acme.test/images/qp/obrowid.gif" alt="own"><img src='/images/foreignlogos/ge.gif'
alt='a > b'><a href="/images/sqlitepie.jpg">link</a></body></html>
"""
SHEET = '@import "rich2.css"; h1 { color: #123; background: url(/images/qp/none.gif) }\n' \
        "p { background: /* url(/no.gif) */ url(images/qp/rowidlu.gif) }\n"
SHEET_2 = "body { background: url('images/qp/idx2.gif#x') }\n"
STATICS = {"/rich.css", "/rich2.css", "/rich.js", "/favicon.ico", "/images/qp/tab.gif",
           "/images/vfs1.gif", "/images/shared.gif", "/images/qp/orquery.gif",
           "/images/qp/idx1.gif", "/images/qp/obrowid.gif", "/images/foreignlogos/ge.gif",
           "/images/qp/idx2.gif"}
HTML_16 = "<img src=/rich.js>".encode("utf-16")


@pytest.fixture(scope="module")
def config_file(world):
    """The usual network, as a file."""
    path = world.place("config") / "waypost.yaml"
    path.write_text(json.dumps({"state": str(path.parent), **network()}))
    return path


@pytest.fixture(scope="module")
def original(world):
    """The site as its owner has it."""
    root = world.place("original") / "site"
    shutil.copytree(PAGES, root)
    (root / "rich.css").write_text(SHEET)
    (root / "rich2.css").write_text(SHEET_2)
    (root / "rich.js").write_text("document.title = 'run';\n")
    (root / RICH[1:]).parent.mkdir(exist_ok=True)
    (root / RICH[1:]).write_text(PAGE_TEXT)
    (root / "latin.html").write_bytes(b"<p>caf\xe9 \xff\r\n<img src=rich.png><img src=images/vfs1.gif>")
    (root / "wide.html").write_bytes(HTML_16)
    return root


@pytest.fixture(scope="module")
def site(world, original, config_file):
    """The same after the command, and what it reported."""
    root = world.place("rewritten") / "site"
    shutil.copytree(original, root)
    os.chmod(root / PAGE[1:], 0o640)
    status, out, err = run_waypost("rewrite", root, "--site", STATIC, "-c", config_file, "--json")
    assert status == 0, err
    assert "wide.html is left as it is" in err
    return root, json.loads(out)


def bytes_of(root):
    """All files of a folder by their paths, with their modes."""
    return {str(p.relative_to(root)): (p.stat().st_mode, p.read_bytes())
            for p in root.rglob("*") if p.is_file()}


def test_a_browser_takes_the_page_from_its_origin_and_all_else_from_a_pop(
        serve, world, site, resolvers, visitors):
    root, _ = site
    for name, address in (("ams", AMS_ORIGIN), ("nyc", NYC_ORIGIN)):
        os.chmod(root / PAGE[1:], 0o644)
        Origin(world, name, address, root)
    serve(network())
    visitor = visitors(resolvers())
    embedded = {f"http://{STATIC}{path}" for path in embedded_in(root, PAGE, STATIC)}

    visit = visitor.browse(f"http://{WWW}{PAGE}")
    rich = visitor.browse(f"http://{WWW}{RICH}")

    pictures = {url for url in visit if url.endswith((".gif", ".jpg", ".png", ".css"))}
    assert len(pictures) >= 25 and len(embedded) >= 25 and embedded <= pictures
    assert {urllib.parse.urlsplit(url).netloc for url in pictures} == {STATIC}
    for url in pictures:
        assert visit[url].status == 200 and visit[url].cache()[0] in ("fra1", "nyc1"), url
    assert "cache-status" not in visit[f"http://{WWW}{PAGE}"].headers
    fetched = {url.split("#")[0] for url in rich}
    assert {f"http://{STATIC}{path}" for path in STATICS} <= fetched
    assert {url for url in fetched if f"//{WWW}" in url} == {
        f"http://{WWW}{RICH}", f"http://{WWW}/dynamic?n=1"}
    assert all(reply.status == 200 for reply in rich.values())


def test_a_second_run_changes_nothing(site, config_file):
    root, report = site
    before = {path: (p.stat().st_ino, p.stat().st_mtime_ns) for path in bytes_of(root)
              for p in [root / path]}

    status, out, _ = run_waypost("rewrite", root, "--site", STATIC, "-c", config_file, "--json")

    again = json.loads(out)
    assert status == 0 and again["changed"] == 0 and again["files"] == []
    assert again["urls"]["there"] == report["urls"]["moved"] + report["urls"]["there"]
    assert before == {path: (p.stat().st_ino, p.stat().st_mtime_ns) for path in bytes_of(root)
                      for p in [root / path]}


def test_the_report_is_all_that_changed(original, site):
    root, report = site
    before, after = bytes_of(original), bytes_of(root)
    told = {file["file"]: file["changes"] for file in report["files"]}

    assert report["changed"] == len(told) >= 700
    assert report["urls"]["moved"] == sum(map(len, told.values())) >= 1600
    assert set(before) == set(after)
    assert {path for path in before if before[path][1] != after[path][1]} == set(told)
    assert "wide.html" not in told and "latin.html" in told
    for path, changes in told.items():
        lines = before[path][1].split(b"\n")
        at = {}
        for change in changes:  # each where the one before it on its line ended
            line, old, new = change["line"] - 1, change["from"].encode(), change["to"].encode()
            start = lines[line].index(old, at.get(line, 0))
            lines[line] = lines[line][:start] + new + lines[line][start + len(old):]
            at[line] = start + len(new)
        assert b"\n".join(lines) == after[path][1], path
    # diff, which knows nothing of HTML, sees as many lines as were reported.
    rows = run("sh", "-c", f"diff -r {original} {root} | grep -ac '^>' || true")
    assert int(rows) == len({(p, c["line"]) for p, cs in told.items() for c in cs})


class Reader(html.parser.HTMLParser):
    """All that is in a page but for its scripts' insides, its URLs as they are meant."""

    def __init__(self, url):
        super().__init__(convert_charrefs=False)
        self.url, self.seen = url, []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, [(name, self._meant(name, value)) for name, value in attrs]))

    def handle_endtag(self, tag):
        self.seen.append(tag)

    def handle_data(self, data):
        self.seen.append(data)

    handle_comment = handle_entityref = handle_charref = handle_decl = handle_pi = handle_data

    def _meant(self, name, value):
        if name not in ("src", "href") or value is None:
            return value
        meant = urllib.parse.urljoin(self.url, value)
        return meant.replace(f"http://{STATIC}/", f"http://{WWW}/")


def test_another_reader_sees_the_same_page_but_for_the_host(original, site):
    root, report = site
    names = [f["file"] for f in report["files"] if f["file"].endswith(".html")]
    for name in names[::25]:
        seen = []
        for folder in (original, root):
            reader = Reader(f"http://{WWW}/{name}")
            reader.feed((folder / name).read_text(errors="surrogateescape"))
            seen.append(reader.seen)
        if name != RICH[1:]:  # whose srcset and styles change too
            assert seen[0] == seen[1], name


def test_modes_are_kept_and_nothing_is_left_behind(original, site):
    root, _ = site
    assert not list(root.rglob(".waypost-*"))
    modes = {path: mode for path, (mode, _) in bytes_of(original).items()}
    assert all(mode == modes[path] for path, (mode, _) in bytes_of(root).items()
               if path != PAGE[1:])


def test_a_dry_run_says_the_same_and_writes_nothing(original, site, config_file):
    _, report = site
    before = bytes_of(original)

    status, out, _ = run_waypost(
        "rewrite", original, "--site", STATIC, "-c", config_file, "--dry-run")

    assert status == 0 and bytes_of(original) == before
    assert f"{report['changed']} would be changed; nothing is written" in out
    assert out.count(" -> ") == report["urls"]["moved"]
    assert re.search(r"^atomiccommit.html:\d+: images/ac/\S+ -> //static.acme.test/images/ac/", out,
                     re.M)


def test_a_site_that_is_none_is_told_the_nearest(original, config_file):
    before = bytes_of(original)
    for name, words in (("sttic.acme.test", ("no site", STATIC)), (WWW, ("steered", STATIC)),
                        ("a/b", ("host name",))):
        status, out, err = run_waypost("rewrite", original, "--site", name, "-c", config_file)
        assert status != 0 and out == ""
        for word in words:
            assert word in err
    assert run_waypost("rewrite", original, "--site", f"{STATIC}.{ZONE}", "-c", config_file,
                       "--dry-run")[0] == 0
    assert run_waypost("rewrite", original)[0] == 2
    assert run_waypost("rewrite", "/nonexistent", "--site", STATIC)[0] == 1
    assert bytes_of(original) == before


def test_nothing_outside_of_the_folder_is_changed_or_counts(world):
    folder = world.place("links")
    (folder / "site").mkdir()
    (folder / "outside.html").write_text("<img src=a.png>")
    (folder / "outside.png").write_text("")
    (folder / "site" / "a.png").write_text("")
    (folder / "site" / "link.html").symlink_to("../outside.html")
    (folder / "site" / "up").symlink_to("..")
    (folder / "site" / "page.html").write_text(
        "<img src=up/outside.png><img src=../outside.png><img src=a.png>")

    status, out, _ = run_waypost("rewrite", folder / "site", "--site", STATIC)

    assert status == 0 and "1 URLs now point at the site" in out
    assert (folder / "outside.html").read_text() == "<img src=a.png>"
    assert (folder / "site" / "page.html").read_text() == (
        "<img src=up/outside.png><img src=../outside.png><img src=//static.acme.test/a.png>")


def test_a_release_is_named_by_a_link_and_its_files_command_no_terminal(world):
    folder = world.place("release")
    (folder / "v1").mkdir()
    (folder / "current").symlink_to("v1")
    (folder / "v1" / "a.png").write_text("")
    (folder / "v1" / "\x1b[2Jx.html").write_text("<img src=a.png>")
    (folder / "v1" / "\x1b[2Jy.html").write_bytes(HTML_16)

    status, out, err = run_waypost("rewrite", folder / "current", "--site", STATIC)

    assert status == 0 and "1 file read, 1 changed" in out
    assert "\\x1b[2Jx.html:1: a.png -> //static.acme.test/a.png" in out
    assert "\\x1b[2Jy.html is left" in err and "\x1b" not in out + err


def test_what_the_options_and_the_configuration_say_is_done(world):
    folder = world.place("options")
    config = folder / "waypost.yaml"
    named = network()
    sites(named)[STATIC]["paths"] = {"/private/*": {"cache": False}}
    config.write_text(json.dumps({"state": str(folder), **named}))
    (folder / "site" / "private").mkdir(parents=True)
    for name in ("a.png", "f.woff2", "private/b.png"):
        (folder / "site" / name).write_text("")
    text = (f"<img src=private/b.png><img src=//{WWW}/a.png><img src=//{WWW}.{ZONE}/a.png>"
            f"<img src=//acme.test/a.png><img src=//{STATIC}.{ZONE}/a.png><style>@font-face{{"
            "src:url(f.woff2)}</style>")
    moved = text.replace(f"//{WWW}/", f"//{STATIC}/").replace(f"//{WWW}.{ZONE}/", f"//{STATIC}/")
    page = folder / "site" / "page.html"

    def rewritten(*options):
        page.write_text(text)
        status, out, _ = run_waypost("rewrite", folder / "site", "--site", STATIC, *options, "--json")
        return status, page.read_text(), json.loads(out)["urls"]

    assert rewritten("-c", config) == (0, moved, {
        "moved": 2, "there": 1, "foreign": 1, "dynamic": 1, "cors": 1, "bound": 0, "unclear": 0,
        "nothing": 0})
    assert rewritten("-c", config, "--page", "acme.test", "--cors", "--scheme", "https")[1] == (
        moved.replace(f"//{STATIC}/", f"https://{STATIC}/").replace("//acme.test/", f"https://{STATIC}/")
        .replace("f.woff2", f"https://{STATIC}/f.woff2"))
    assert rewritten()[2] == {"moved": 1, "there": 0, "foreign": 4, "dynamic": 0, "cors": 1, "bound": 0,
                              "unclear": 0, "nothing": 0}
    for wrong in (("--scheme", "ftp"), ("--page", "http://x"), ("--page",)):
        assert run_waypost("rewrite", folder / "site", "--site", STATIC, *wrong)[0] == 2


def test_a_file_that_cannot_be_written_is_said_and_the_others_are_done(world):
    folder = world.place("locked")
    locked = folder / "locked"
    locked.mkdir()
    (folder / "a.png").write_text("")
    for page in (locked / "x.html", folder / "y.html"):
        page.write_text("<img src=/a.png>")
    run("mount", "--bind", locked, locked)
    world.at_end("umount", locked)
    run("mount", "-o", "remount,ro,bind", locked)

    status, out, err = run_waypost("rewrite", folder, "--site", STATIC)

    assert status == 1 and "1 file read, 1 changed" in out
    assert "locked/x.html is left as it is: " in err
    assert (locked / "x.html").read_text() == "<img src=/a.png>"
    assert (folder / "y.html").read_text() == f"<img src=//{STATIC}/a.png>"
