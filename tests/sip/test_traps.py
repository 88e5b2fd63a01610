"""The traps of SIP that break real installations, each with the tests that would notice that we fell in."""

from __future__ import annotations

import os
import re

import pytest

from sip.digest import Challenge, DigestClient, DigestServer, ha1
from sip.message import Request, parse
from sip.validate import validate
from tests.sip.net import Bench, Phone, response
from tests.support.named import missing

TRAPS: dict[str, tuple[str, ...]] = {
    "1 responses go back by received and rport, on streams by the connection; IPv6 in brackets or not": (
        "sip/test_layer::test_responses_go_to_the_source_and_to_its_port_if_it_asked",
        "sip/test_layer::test_on_streams_responses_stay_on_the_connection",
        "sip/test_layer::test_ipv6_sources_are_stamped_and_answered",
        "sip/test_ipv6::test_4_5_received_with_and_without_brackets_is_the_same",
        "sip/transport/test_transports::test_two_addresses_answer_each_from_its_own_socket",
    ),
    "2 loose and strict routing; the route set freezes, the target follows; nothing leaks": (
        "sip/test_dialog::test_loose_routing_leaves_the_target_in_the_request_uri",
        "sip/test_dialog::test_a_strict_router_gets_its_own_uri_and_the_target_goes_last",
        "sip/test_dialog::test_the_route_set_is_frozen_and_the_target_is_not",
        "sip/test_uac::test_the_route_set_of_the_far_side_is_followed_in_reverse",
        "sip/test_uas::test_the_2xx_carries_the_record_route_of_its_own_request",
        "e2e/test_interop::test_a_call_as_another_dissector_reads_it",
    ),
    "3 CANCEL: same branch, URI and CSeq, never before a 1xx; a 200 that crosses it; no match is 481": (
        "sip/test_transaction::test_cancel_has_branch_uri_cseq_and_route_of_its_invite",
        "sip/test_uac::test_cancel_waits_for_a_provisional_answer",
        "sip/test_uac::test_a_200_that_crosses_cancel_is_acknowledged_and_ended",
        "sip/test_uas::test_cancel_gets_200_and_the_invite_487_with_one_tag",
        "sip/test_uas::test_cancel_of_nothing_or_from_elsewhere_is_481",
    ),
    "4 each forked 2xx gets its ACK, the extra ones BYE; 2xx repeats on TCP too; the ACK has credentials": (
        "sip/test_uac::test_other_forks_get_ack_and_bye",
        "sip/test_uac::test_progress_then_answer_then_ack_on_a_new_branch",
        "sip/test_uac::test_a_challenge_is_answered_once_and_the_ack_carries_the_credentials",
        "sip/test_uas::test_the_2xx_repeats_until_its_ack_on_udp_and_tcp_alike",
    ),
    "5 the ACK of a refusal is the transaction's; a merged request is 482": (
        "sip/test_transaction::test_the_ack_of_a_refusal_has_the_branch_and_is_sent_again_for_each_repeat",
        "sip/test_layer::test_a_merged_request_is_one_that_differs_by_its_branch_only",
    ),
    "6 PRACK: in order, one outstanding; an offer in a 1xx; 200 waits for it": (
        "sip/test_reliable::test_one_is_outstanding_and_numbers_grow_by_one",
        "sip/test_reliable::test_every_reliable_answer_gets_its_prack_in_order_and_once",
        "sip/test_reliable::test_an_offer_in_a_reliable_answer_is_answered_in_prack_and_the_ack_says_nothing",
        "sip/test_reliable::test_the_2xx_waits_for_the_prack_of_a_description_and_says_nothing_new",
    ),
    "7 glare: 491 and who waits how long; a second INVITE 500 with Retry-After; a lower CSeq 500": (
        "sip/test_session::test_glare_is_491",
        "sip/test_session::test_after_491_the_owner_of_the_call_id_waits_longer",
        "sip/test_session::test_a_second_invite_before_the_first_is_answered_is_500_with_retry_after",
        "sip/test_session::test_a_cseq_that_is_not_newer_is_500",
    ),
    "8 a refused change leaves the session, 408 and 481 end it; the version of o= grows with a change only": (
        "sip/test_session::test_a_failed_offer_leaves_the_session",
        "sip/test_session::test_408_and_481_end_the_session",
        "sip/test_offer::test_the_version_grows_with_each_change_only",
    ),
    "9 hold in all its forms; port 0 rejects; media keep number and order": (
        "sip/test_offer::test_answer_direction",
        "sip/test_offer::test_on_hold",
        "sip/test_sdp::test_hold_address",
        "sip/test_offer::test_reject",
        "sip/test_offer::test_media_stay_in_their_places",
    ),
    "10 an INVITE without offer: the offer in 200, the answer in ACK": (
        "sip/test_uas::test_an_invite_without_offer_is_answered_with_one_and_the_ack_brings_the_answer",
        "sip/test_uac::test_an_offerless_invite_waits_with_its_ack_for_our_answer",
    ),
    "11 early media: what binds, 180 after 183, several forks": (
        "sip/test_reliable::test_a_description_that_came_for_certain_is_the_one",
        "sip/test_reliable::test_another_fork_that_answers_brings_its_own_description",
        "firmware/calls/test_ringing::test_early_media_of_one_phone_at_a_time_and_no_180_over_it",
    ),
    "12 session timers: 422 and Min-SE, who refreshes, BYE in time, a refresh changes nothing": (
        "sip/test_session_timer::test_too_short_an_interval_is_422_without_any_state",
        "sip/test_session_timer::test_what_is_granted",
        "sip/test_session_timer::test_a_third_of_a_short_interval_is_the_margin",
        "sip/test_session_timer::test_we_refresh_by_update_at_half_the_interval_and_change_nothing",
    ),
    "13 Replaces: whose tag is whose, early-only, no match; percent-encoded in Refer-To": (
        "sip/test_transfer::test_an_invite_takes_the_place_of_a_session",
        "sip/test_transfer::test_what_cannot_be_replaced",
        "sip/test_transfer::test_refer_to_carries_the_dialog_to_replace_percent_encoded",
        "firmware/calls/test_transfer::test_a_call_in_for_what_cannot_be_replaced_is_refused",
        "firmware/lines/test_transfer::test_nobody_transfers_to_a_call_of_somebody_else",
    ),
    "14 REFER: 202, NOTIFY at once and at the end, norefersub, id for a second one": (
        "sip/test_transfer::test_a_transfer_is_accepted_notified_at_once_and_told_its_end",
        "sip/test_transfer::test_who_wants_no_subscription_gets_none",
        "sip/test_transfer::test_a_second_transfer_has_an_id",
    ),
    "15 SUBSCRIBE: state at once and in full on refresh, 489, 481 ends it, versions from 0": (
        "sip/test_event::test_a_subscription_is_accepted_and_told_at_once",
        "sip/test_event::test_a_refresh_tells_the_whole_state_and_prolongs",
        "sip/test_event::test_refusals",
        "sip/test_event::test_a_refused_notify_ends_it",
        "firmware/lines/test_blf::test_a_lamp_follows_the_callee_within_half_a_second",
    ),
    "16 streams: Content-Length, any split, several messages, leading CRLF, ping and pong": (
        "sip/transport/test_tcp::test_a_message_split_at_every_byte_is_one_message",
        "sip/transport/test_tcp::test_several_messages_and_pings_in_one_segment",
        "sip/test_framing::test_spellings_of_content_length",
        "sip/transport/test_tcp::test_a_stream_that_lost_its_place_is_answered_and_closed",
    ),
    "17 digest: counts grow, stale only if right, strongest first, unknown scheme, equal answers": (
        "sip/test_digest::test_counts_grow",
        "sip/test_digest::test_stale_only_if_the_answer_was_right",
        "sip/test_digest::test_strongest_first",
        "sip/test_digest::test_nobody_learns_who_exists",
        "sip/test_digest::test_an_unknown_user_costs_the_same_work",
        "sip/test_torture::test_an_unknown_scheme_counts_as_no_credentials",
        "sip/test_traps::test_what_a_challenge_leaves_unquoted",
    ),
    "18 address translation: latching once, the binding keeps its flow, 423 for what is too short": (
        "rtp/test_plan::test_a_learned_source_counts_for_its_window_only",
        "rtp/test_learning::test_a_stranger_needs_two_in_sequence_and_a_row_that_takes_strangers",
        "sip/test_registrar::test_the_way_to_a_udp_contact",
        "sip/test_registrar::test_a_stream_contact_lives_as_long_as_its_connection",
        "sip/test_registrar::test_too_short_is_423_and_changes_nothing",
    ),
    "19 commas, folds, case and compact forms; 501; Max-Forwards 0 on an OPTIONS for us": (
        "sip/test_traps::test_case_and_compact_forms_and_folds_and_commas_mean_the_same",
        "sip/test_stack::test_methods_we_do_not_serve",
        "sip/test_stack::test_too_many_hops_is_483",
        "sip/test_traps::test_an_options_for_us_is_answered_at_its_last_hop",
    ),
    "20 a request over the MTU; contacts of browsers that no name leads to": (
        "sip/transport/test_udp::test_a_request_far_over_the_mtu_survives_as_fragments",
        "sip/test_ways::test_a_large_request_goes_over_tcp_and_its_via_says_so",
        "sip/test_ways::test_without_a_connection_it_goes_by_datagram_after_all_and_is_repeated_there",
        "e2e/test_websocket::test_a_browsers_phone_calls_and_is_called",
    ),
    "21 transport=tls, though deprecated; names of servers by RFC 5922": (
        "sip/test_locate::test_a_numeric_host_asks_nobody",
        "sip/test_peername::test_a_sip_uri_counts_before_a_dns_name",
        "sip/transport/test_outgoing::test_tls_speaks_only_with_who_was_asked_for",
    ),
    "22 the media address is the same before and after a challenge": (
        "firmware/lines/test_trunk_line::test_a_call_out_with_a_challenge_keeps_its_offer",
        "sip/test_uac::test_a_challenge_is_answered_once_and_the_ack_carries_the_credentials",
    ),
    "23 a trunk is looked up again before each REGISTER and on failure": (
        "firmware/lines/test_trunk_watch::test_it_is_looked_up_again_before_each_register",
        "firmware/lines/test_trunk_watch::test_a_carrier_that_changed_its_address_is_found_again_within_a_minute",
    ),
}


def test_there_are_23_and_each_is_proven() -> None:
    assert [int(trap.split()[0]) for trap in TRAPS] == list(range(1, 24))
    assert all(TRAPS.values())


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.split()[0])
def test_its_tests_are_there(trap: str) -> None:
    assert missing(list(TRAPS[trap])) == []


def test_an_options_for_us_is_answered_at_its_last_hop() -> None:
    bench, message = Bench(), Phone().request("OPTIONS")
    message.set("Max-Forwards", "0")
    assert response(bench.feed(message), 200)


def test_what_a_challenge_leaves_unquoted() -> None:
    server = DigestServer("r", bytes(32), ("SHA-256", "MD5"), lambda user, name: ha1(user, "r", "s", name))
    request = Request.new("REGISTER", "sip:r", [])
    challenge = server.check(request, 1.0)
    assert isinstance(challenge, Challenge)
    for _, value in challenge.headers:
        assert re.search(r", algorithm=(SHA-256|MD5)(,|$)", value)
    refusal = request.respond(401, headers=challenge.headers)
    _, answer = DigestClient("u", "s", os.urandom).answer(refusal, request)
    assert re.search(r", qop=auth(,|$)", answer)
    assert re.search(r", nc=00000001(,|$)", answer)
    assert re.search(r", algorithm=SHA-256(,|$)", answer)


USUAL = (
    "INVITE sip:a@b;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP one.example.com;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP two.example.com;branch=z9hG4bK2\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:c@d>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
    "Contact: <sip:c@e>;expires=60\r\nSupported: timer\r\nSupported: 100rel\r\n"
    "Content-Type: application/sdp\r\nContent-Length: 4\r\n\r\nbody"
)
ODD = (
    "INVITE sip:a@b;Transport=UDP SIP/2.0\r\n"
    "v: SIP / 2.0 / udp one.example.com ;BRANCH=z9hG4bK1 , "
    "SIP/2.0/UDP\r\n two.example.com;branch=z9hG4bK2\r\n"
    "MAX-FORWARDS:70\r\nf: <sip:c@d> ; TAG=1\r\nt:\t<sip:a@b>\r\ni: x\r\ncseq: 1\r\n  INVITE\r\n"
    "m: <sip:c@e>;EXPIRES=60\r\nk: timer,\r\n\t100rel\r\nc: Application/SDP\r\nl: 4\r\n\r\nbody"
)


def test_case_and_compact_forms_and_folds_and_commas_mean_the_same() -> None:
    usual, odd = parse(USUAL.encode()), parse(ODD.encode())
    for message in (usual, odd):
        validate(message)
        assert isinstance(message, Request)
        assert message.request_uri.transport == "udp"
    for name in (
        "vias",
        "from_",
        "to",
        "call_id",
        "contacts",
        "max_forwards",
        "body",
        "cseq_method",
        "branch",
    ):
        assert getattr(usual, name) == getattr(odd, name), name
    assert usual.values("Supported") == odd.values("Supported") == ["timer", "100rel"]
