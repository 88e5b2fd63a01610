"""The site file a box starts with: small, complete and commented."""


def default_site(
    address: str, *, sip_port: int = 5060, tls_port: int = 5061, media_ports: tuple[int, int] = (16384, 16783)
) -> str:
    """Return the text of a site file listening on one IPv4 address over UDP, TCP and TLS."""
    first, last = media_ports
    return f"""\
# The site file of this box. It holds network, limits and features; people, numbers and secrets are in the
# store (see `branchline extension`). After a change: `branchline reload`. Running calls are never touched.

name = "Demo office"

# Which emergency numbers exist: at, be, ch, de, es, fr, ie, it, nl, uk, us; "generic" knows 112 alone.
country = "generic"

# Where phones reach the box. TLS uses a certificate the box made for itself.
[[listener]]
transport = "udp"
address = "{address}"
port = {sip_port}

[[listener]]
transport = "tcp"
address = "{address}"
port = {sip_port}

[[listener]]
transport = "tls"
address = "{address}"
port = {tls_port}

# Audio passes through these UDP ports, four for each call. With address6 = "an IPv6 address" phones on IPv6
# and phones on IPv4 can talk to each other; write listeners on both, too.
[media]
address = "{address}"
first_port = {first}
last_port = {last}
# Codecs the box turns into each other where two phones have none in common, best first; [] for never.
transcode = ["pcmu", "pcma"]
# Keep how good each call was (loss, jitter, delay, a mark from 1 to 4.5), for 14 days: `branchline quality`.
monitor = false
# Encryption of calls (SRTP): "passed", as the phones agree; "converted", each side of a call by itself, where
# a phone can; "required", no call without, but for emergency calls.
srtp = "passed"
# DTLS-SRTP: "off"; "browsers", phones over WebSocket are offered it; "always", every phone.
dtls = "off"

# How phones prove who they are. Phones that know SHA-256 accept ["SHA-256", "MD5"]; some older ones (Debian's
# baresip and sipp among them) give up when they see it.
[sip]
# A [[listener]] may have a digest of its own. "SHA-512-256" is known, too.
digest = ["MD5"]

# A call shows that it is alive at half of every session_seconds; else it is ended. 0: only where the
# phone asks for it. No phone may ask for less than shortest_session, 90 at least.
session_seconds = 1800
shortest_session = 90

# Seconds a phone's registration may last, and how many phones may share an extension.
[registration]
shortest = 60
longest = 3600
phones = 5

# How many calls may run at once, and how many seconds a phone rings before the call ends. Above four fifths
# of them, or of the media ports, new calls are told to try later: the rest is for calls there are, and help.
[calls]
most = {min(100, (last - first + 1) // 4)}
ring_seconds = 60

# Numbers outside, once there is a line: [dialling] with area_code, outside_prefix, main_number, reception,
# allow (international and premium are closed unless named), [[dialling.did]] and [dialling.caps].
# [dialling.hours]: zone, open = ["mo-fr 07:00-19:00"] and lock = ["international", "premium"], the kinds of
# numbers closed at other times. [dialling.money]: what a day may cost, extension_per_day (50) and
# line_per_day (200; -1: no end), counted by [[dialling.money.price]] with to = "international" or "+43",
# minute and call.
# [emergency] notify = ["100"] has the phones of 100 show who called for help.

# What people dial for features, here as it is where nothing is written; "" takes a code away.
[codes]
forward_always = "*72"           # and the number calls go to; then *73 to end it
forward_always_off = "*73"
forward_busy = "*90"
forward_busy_off = "*91"
forward_no_answer = "*92"
forward_no_answer_off = "*93"
forward_unreachable = "*94"
forward_unreachable_off = "*95"
dnd = "*78"                      # do not disturb
dnd_off = "*79"
call_waiting = "*70"             # a second call rings while one talks; *71: it finds one busy
call_waiting_off = "*71"
pickup = "**"                    # what rings in one's ring groups; with a number behind: what rings there
park = "*68"                     # transfer there: into the first free slot
intercom = "*80"                 # and a number: that phone answers by itself
page = "*81"                     # and a group's number: its phones answer by themselves and play who calls
meet = "*82"                     # brings everybody one's phone talks with, or holds, into one conference
echo = "*43"                     # says back what it hears: tries out a phone
number = "*65"                   # says the number of one's own extension
withhold = "#31#"                # and a number: who is called is not told who calls
show = "*31#"                    # and a number: who is called is told, this once

# Whose calls one may pick up, and whose phone one may make answer by itself: "off" (nobody's), "group" (of
# those who are in one ring group with one) or "all". presence = true lets phones of the house show who of
# the others can be reached and who is on the phone, but nothing of those who withhold their name: personal
# data, so it is false where nothing is written.
[desk]
pickup = "group"
intercom = "all"
presence = false

# The numbers where people are parked: transfer somebody there, dial it to take them. After so many seconds
# whoever parked them is called. slots = 0: none.
[park]
first = 701
slots = 10
seconds = 120

# Conference rooms: who dials the number hears the others who did. A pin is pressed before that.
# [[room]]
# number = "600"
# pin = "2468"

# What the box says: prompts is a folder of WAV files (en/7.wav and so on, see docs/sounds.md), without which
# it beeps. hold is a WAV file of music, for who is held by a phone that plays none; "": they hear nothing.
# refused: phones in the house are told why a call is refused.
[sounds]
prompts = ""
language = "en"
hold = ""
refused = false

# Lines to carriers are [[trunk]] tables, tried in the order they are written; their passwords are set with
# `branchline trunk secret NAME`. Without one the box speaks to nobody outside. See docs/trunks.md.

# level: quiet (warnings and faults), normal (calls and registrations too), detailed.
# file_kilobytes: how far the log file may grow before it is set aside as the one predecessor that is kept.
[log]
level = "normal"
file_kilobytes = 4096
"""
