# SPDX-License-Identifier: Apache-2.0
"""What the name servers answer, as dig, kdig, a strict library and a real resolver see it."""
import socket
import struct
import subprocess

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, ZONE, network, sites

WWW, STATIC = "www.acme.test", "static.acme.test"
MANY = [f"192.0.2.{200 + i}" for i in range(40)]
PLACE = f"many.pop.{ZONE}"
POPS = {FRA, NYC, *MANY}  # all on this machine, and so all equally near


@pytest.fixture(scope="module")
def served(world):
    """One network for all of these stories: fra has IPv6 too, many has forty addresses."""
    from waypost import Waypost
    config = network()
    config["pops"]["fra"]["nodes"]["fra1"]["address"].append("2001:db8::10")
    config["pops"]["many"] = {"nodes": {
        "many1": {"address": MANY[:20], "ports": {"admin": 8655}},
        "many2": {"address": MANY[20:], "ports": {"admin": 8656}}}}
    sites(config)[WWW]["ttl"] = "20s"
    sites(config)["one.acme.test"] = {"steer": ["nyc"]}
    waypost = Waypost(world, config)
    yield waypost
    waypost.stop()


def ask(name, kind="A", server=FRA, tcp=False, **more):
    """One question; the answer, strictly parsed."""
    query = dns.message.make_query(name, kind, **more)
    query.flags &= ~dns.flags.RD
    return (dns.query.tcp if tcp else dns.query.udp)(query, server, timeout=3)


def is_pop(reply):
    """The answer has addresses, and they are of one of our pops."""
    return reply.answer and set(addresses(reply)) <= POPS


def exchange(wire, server=FRA, wait=0.3):
    """Raw bytes as a datagram; the raw answer, or None when there is silence."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(wait)
        sock.sendto(wire, (server, 53))
        try:
            return sock.recv(65535)
        except socket.timeout:
            return None


def addresses(reply):
    """The addresses of the answer section."""
    return [str(rr) for rrset in reply.answer for rr in rrset]


def soa_of(reply):
    """The only record of the authority section, which must be an SOA."""
    assert len(reply.authority) == 1
    assert reply.authority[0].rdtype == dns.rdatatype.SOA
    return reply.authority[0]


def test_zone_has_a_soa_and_its_name_servers_have_addresses(served):
    soa = ask(ZONE, "SOA")
    servers = ask(ZONE, "NS")
    assert soa.flags & dns.flags.AA and not soa.flags & dns.flags.RA
    assert str(soa.answer[0][0].mname) == f"ns1.{ZONE}."
    assert str(soa.answer[0][0].rname) == "hostmaster.waypost.test."
    assert addresses(servers) == [f"ns1.{ZONE}.", f"ns2.{ZONE}."]
    glue = {address for name in addresses(servers) for address in addresses(ask(name))}
    assert {FRA, NYC} <= glue
    assert ask(ZONE, "TXT").answer


def test_steered_name_answers_one_origin_with_its_ttl(served):
    reply = ask(WWW)
    assert reply.rcode() == dns.rcode.NOERROR
    assert reply.flags & dns.flags.AA and not reply.flags & (dns.flags.RA | dns.flags.TC)
    assert addresses(reply)[0] in (AMS_ORIGIN, NYC_ORIGIN) and len(addresses(reply)) == 1
    assert reply.answer[0].ttl == 20
    assert not reply.authority and not reply.additional


def test_delivered_name_answers_a_pop_in_both_families(served):
    assert is_pop(ask(STATIC))
    assert addresses(ask(STATIC, "AAAA")) == ["2001:db8::10"]  # the only one
    assert is_pop(ask(STATIC, server=NYC))


def test_names_serve_under_the_zone_and_as_their_own(served):
    assert addresses(ask(f"one.acme.test.{ZONE}")) == [NYC_ORIGIN]
    assert addresses(ask("one.acme.test")) == [NYC_ORIGIN]
    assert str(soa_of(ask("one.acme.test", "TXT")).name) == "one.acme.test."
    assert ask("one.acme.test", "SOA").answer and ask("one.acme.test", "NS").answer


@pytest.mark.parametrize("kind", ["AAAA", "HTTPS", "MX", "TXT", "CNAME", "TYPE65280"])
def test_missing_types_are_no_data_with_the_soa(served, kind):
    reply = ask(f"one.acme.test.{ZONE}", kind)
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer
    assert soa_of(reply).ttl <= 60 and str(soa_of(reply).name) == f"{ZONE}."


def test_missing_names_are_denied_with_the_soa_of_their_zone(served):
    for name, apex in ((f"nobody.{ZONE}", ZONE), (f"below.{WWW}", WWW),
                       (f"a.b.c.d.{STATIC}", STATIC)):
        reply = ask(name)
        assert reply.rcode() == dns.rcode.NXDOMAIN and not reply.answer
        assert str(soa_of(reply).name) == f"{apex}."
        assert reply.flags & dns.flags.AA


def test_names_between_are_no_data_not_missing(served):
    # RFC 8020: what has something below it exists.
    for name in (f"acme.test.{ZONE}", f"test.{ZONE}"):
        reply = ask(name)
        assert reply.rcode() == dns.rcode.NOERROR and not reply.answer
        soa_of(reply)


def test_other_peoples_names_are_refused_without_a_hint(served):
    for name in ("example.com", "acme.test", ".", "test"):
        reply = ask(name)
        assert reply.rcode() == dns.rcode.REFUSED
        assert not reply.answer and not reply.authority


def test_case_is_ignored_and_kept(served):
    name = dns.name.from_text("WwW.aCmE.tEsT.")
    reply = ask(name)
    assert addresses(reply) == addresses(ask(WWW))
    assert reply.question[0].name.labels == name.labels
    assert reply.answer[0].name.labels == name.labels


def test_a_resolver_that_mixes_case_gets_through(served, resolvers, visitors):
    visitor = visitors(resolvers(mixed_case=True))
    assert visitor.resolve("one.acme.test") == [NYC_ORIGIN]
    assert visitor.resolve(STATIC)[0] in POPS


def test_any_is_answered_small(served):
    reply = ask(ZONE, "ANY")
    assert reply.rcode() == dns.rcode.NOERROR
    assert len(reply.answer) == 1


def test_other_classes_are_refused(served):
    assert ask("version.bind", "TXT", rdclass=dns.rdataclass.CH).rcode() == dns.rcode.REFUSED


def test_edns_is_answered_only_where_it_was_asked(served):
    plain, extended = ask(WWW), ask(WWW, use_edns=0, payload=4096)
    assert plain.edns == -1
    assert extended.edns == 0 and extended.payload == 1232 and not extended.options


def test_a_newer_edns_is_told_our_version(served):
    shown = subprocess.run(["dig", "+edns=1", "+noednsneg", f"@{FRA}", WWW], text=True,
                           capture_output=True, timeout=20, check=True).stdout
    assert "status: BADVERS" in shown and "EDNS: version: 0" in shown and "ANSWER: 0" in shown


def test_unknown_options_are_ignored_and_not_echoed(served):
    reply = ask(WWW, use_edns=0, options=[dns.edns.GenericOption(65001, b"abc"),
                                          dns.edns.GenericOption(3, b"")])
    assert reply.rcode() == dns.rcode.NOERROR and len(addresses(reply)) == 1
    assert not reply.options


def ask_from(subnet, bits, name=WWW):
    """Asks on behalf of a client subnet: (addresses, the option of the answer)."""
    reply = ask(name, use_edns=0, options=[dns.edns.ECSOption(subnet, bits)])
    assert reply.rcode() == dns.rcode.NOERROR
    assert len(reply.options) == 1
    return addresses(reply), reply.options[0]


def test_client_subnets_decide_and_the_scope_says_so(served):
    chosen = set()
    for i in range(16):
        got, option = ask_from(f"198.51.{i}.0", 24)
        assert (option.address, option.srclen, option.scopelen) == (f"198.51.{i}.0", 24, 24)
        assert got == ask_from(f"198.51.{i}.0", 24)[0]
        chosen.update(got)
    assert chosen == {AMS_ORIGIN, NYC_ORIGIN}


def test_scope_is_nought_where_the_subnet_did_not_matter(served):
    for name in (ZONE, f"one.acme.test.{ZONE}", "one.acme.test"):
        assert ask(name, "SOA", use_edns=0,
                   options=[dns.edns.ECSOption("198.51.1.0", 24)]).options[0].scopelen == 0
    got, option = ask_from("0.0.0.0", 0)
    assert option.scopelen == 0 and len(got) == 1
    missing = ask(f"nobody.{ZONE}", use_edns=0, options=[dns.edns.ECSOption("198.51.1.0", 24)])
    assert missing.rcode() == dns.rcode.NXDOMAIN and missing.options[0].scopelen == 0


@pytest.mark.parametrize("data", [
    b"", b"\0\1\x18", b"\0\1\x18\0\1\2", b"\0\1\x18\0\1\2\3\4", b"\0\1\x21\0\1\2\3\4\5",
    b"\0\1\x18\x18\1\2\3", b"\0\7\x18\0\1\2\3", b"\0\1\x17\0\1\2\3", b"\0\2\x81\0" + bytes(17)],
    ids=["empty", "short", "two", "four", "33bits", "scope", "family", "tail", "129bits"])
def test_malformed_client_subnets_are_told_so(served, data):
    reply = ask(WWW, use_edns=0, options=[dns.edns.GenericOption(8, data)])
    assert reply.rcode() == dns.rcode.FORMERR


def header(flags=0, counts=(1, 0, 0, 0), ident=0x1234):
    """The twelve bytes before a question."""
    return struct.pack("!6H", ident, flags, *counts)


QUESTION = dns.name.from_text(WWW).to_wire() + b"\0\1\0\1"


def test_what_is_no_query_meets_silence(served):
    for wire in (b"", b"\x12\x34", header()[:11], header(0x8000) + QUESTION):
        assert exchange(wire) is None


@pytest.mark.parametrize("wire, code", [
    (header(counts=(0, 0, 0, 0)), dns.rcode.FORMERR),
    (header(counts=(2, 0, 0, 0)) + QUESTION * 2, dns.rcode.FORMERR),
    (header() + b"\x3fabc", dns.rcode.FORMERR),
    (header() + b"\xc0\x0c\0\1\0\1", dns.rcode.FORMERR),
    (header() + b"\x41a" + QUESTION, dns.rcode.FORMERR),
    (header(counts=(1, 0, 0, 1)) + QUESTION, dns.rcode.FORMERR),
    (header(0x2000) + QUESTION, dns.rcode.NOTIMP),
    (header(0x7800) + QUESTION, dns.rcode.NOTIMP),
    (header(0x0270) + QUESTION, dns.rcode.NOERROR)],
    ids=["none", "two", "cut", "loop", "label", "promised", "notify", "opcode15", "oddbits"])
def test_odd_messages_have_their_answer(served, wire, code):
    reply = exchange(wire, wait=2)
    assert reply is not None
    ident, flags = struct.unpack("!2H", reply[:4])
    assert ident == 0x1234 and flags & 0x8000 and flags & 15 == code
    assert not flags & 0x0040  # Z stays clear


def test_long_answers_are_cut_whole_and_complete_by_tcp(served):
    small = ask(PLACE, server=MANY[0])
    assert small.flags & dns.flags.TC and not small.answer
    large = ask(PLACE, server=MANY[0], use_edns=0, payload=1232)
    assert not large.flags & dns.flags.TC and sorted(addresses(large)) == sorted(MANY)
    assert sorted(addresses(ask(PLACE, server=MANY[0], tcp=True))) == sorted(MANY)
    shown = subprocess.run(["dig", "+short", "+noedns", f"@{MANY[0]}", PLACE], text=True,
                           capture_output=True, timeout=20, check=True).stdout
    assert sorted(shown.split()) == sorted(MANY)  # dig comes back by TCP on its own


def read_exactly(sock, count):
    """That many bytes of a stream."""
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        assert more, "closed early"
        data += more
    return data


def read_message(sock):
    """One message of a DNS stream."""
    return dns.message.from_wire(read_exactly(sock, *struct.unpack("!H", read_exactly(sock, 2))))


def framed(number, name):
    """A question as it goes over TCP."""
    query = dns.message.make_query(name, "A")
    query.id = number
    wire = query.to_wire()
    return struct.pack("!H", len(wire)) + wire


def test_many_questions_share_one_connection(served):
    with socket.create_connection((FRA, 53), timeout=5) as sock:
        sock.sendall(b"".join(framed(n, WWW if n % 2 else STATIC) for n in range(200)))
        replies = {reply.id: reply for reply in (read_message(sock) for _ in range(200))}
    assert sorted(replies) == list(range(200))
    assert all(is_pop(replies[n]) for n in range(0, 200, 2))


def test_a_question_may_come_byte_by_byte(served):
    with socket.create_connection((FRA, 53), timeout=5) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in framed(7, WWW):
            sock.send(bytes([byte]))
        assert read_message(sock).id == 7


def test_a_hangup_amid_a_question_disturbs_nobody(served):
    for cut in range(1, 20):
        with socket.create_connection((FRA, 53), timeout=5) as sock:
            sock.sendall(framed(cut, WWW)[:cut])
    assert is_pop(ask(STATIC, tcp=True))


def test_kdig_agrees(served):
    shown = subprocess.run(
        ["kdig", "+tcp", "+keepopen", "+noall", "+answer", f"@{FRA}", STATIC, "A", "one.acme.test",
         "A"], capture_output=True, text=True, timeout=20, check=True).stdout
    assert f"{STATIC}." in shown and NYC_ORIGIN in shown
    assert any(pop in shown for pop in POPS)
    scoped = subprocess.run(["kdig", "+subnet=198.51.3.0/24", f"@{FRA}", WWW, "A"], text=True,
                            capture_output=True, timeout=20, check=True).stdout
    assert "198.51.3.0/24/24" in scoped


def test_pops_and_nodes_have_names_of_their_own(served):
    assert addresses(ask(f"fra.pop.{ZONE}")) == [FRA]
    assert addresses(ask(f"nyc1.node.{ZONE}")) == [NYC]


def test_every_worker_answers(served):
    # Each socket has a port of its own, so the kernel spreads them over the workers.
    for _ in range(400):
        assert len(exchange(header() + QUESTION, wait=2)) > 40


def test_counters_tell_what_was_asked(served):
    before = served.metric("dns_queries_total", "fra1")
    for _ in range(10):
        ask(WWW)
    assert served.metric("dns_queries_total", "fra1") - before == 10
