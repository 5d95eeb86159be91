"""Calendars: which test stands for which sentence. `test_list.py` looks whether each is there.

Pitfalls of calendar.md (b):

 1  test_nobody_is_asked_to_answer_and_no_address_of_a_person_is_in_it
    test_vdirsyncer_keeps_one_item_for_each_event_and_khal_lists_them
 2  test_two_readings_are_byte_for_byte_the_same_and_a_known_one_is_304
 3  test_every_change_that_shows_moves_the_version_and_nothing_else_changes
    test_evolution_subscribes_follows_every_change_and_forgets_what_is_gone
 4  test_each_reader_refuses_the_defects_it_is_there_for
    test_announcing_asks_each_person_with_an_address_once
 5  test_a_request_asks_for_an_answer_until_there_is_one
 6  test_announcing_asks_each_person_with_an_address_once
 7  test_evolution_receives_the_invitation_the_change_and_the_cancellation
 8  test_every_kind_of_ours_keeps_our_own_rules
 9  test_the_whole_file
10  test_the_whole_file
11  test_a_moment_of_another_zone_is_told_in_the_one_whose_rules_are_in_the_file
    test_a_moment_of_no_zone_would_float_and_is_refused
12  test_every_kind_of_ours_keeps_our_own_rules
13  test_alarms_are_moments_in_utc
14  test_every_kind_of_ours_keeps_our_own_rules
15  test_alarms_are_moments_in_utc
16  test_a_hearing_is_told_three_days_before_and_on_the_morning
    test_a_due_date_is_told_seven_three_and_one_working_days_before_and_on_the_day
17  test_alarms_keep_their_identity_through_every_change
18  test_each_kind_holds_its_own
19  test_every_kind_of_ours_keeps_our_own_rules
20  test_lines_are_folded_at_75_octets_between_characters
21  test_lines_are_folded_at_75_octets_between_characters
22  test_no_words_of_anybody_break_a_feed_a_task_list_or_a_file
23  test_who_has_several_parts_in_one_hearing_reads_it_once
24  test_nobody_is_asked_to_answer_and_no_address_of_a_person_is_in_it
25  test_people_are_told_how_often_clients_come_and_that_changes_come_by_mail
26  test_a_feed_stays_under_the_thousand_events_and_the_megabyte
27  test_search_engines_are_told_in_the_header_alone
28  test_every_client_gets_the_same_plain_bytes
29  test_the_page_gives_an_address_once_and_the_address_gives_the_calendar
30  test_only_the_fingerprint_decides
    test_what_went_away_changes_the_fingerprint
31  test_the_token_is_kept_by_nobody
    test_the_address_is_in_no_file_and_goes_to_no_other_site
    test_no_access_log_keeps_addresses
    test_renewing_and_closing
32  test_it_is_the_address_alone_that_decides_who_reads
33  test_the_link_shows_a_page_and_only_a_post_answers
34  test_the_buttons_of_a_mail_program_answer
35  test_answers_that_a_person_must_look_at
36  test_a_reply_to_our_bare_address_counts_when_our_server_vouches
    test_announcing_asks_each_person_with_an_address_once
37  test_late_doubled_and_stale_answers
38  test_no_place_is_told_twice
39  test_an_empty_calendar_is_a_calendar
40  test_it_is_left_out_only_for_those_who_want_it
    test_whom_the_mail_did_not_reach_still_reads_it
41  test_no_words_break_what_goes_by_mail_or_a_due_date
    test_a_quoted_or_careted_name_of_the_office_stays_readable

The rules 8, 12, 14 and 19 are looked for by `own_list`; test_a_file_with_one_defect_is_found shows that it finds them.

What people get (the issue's section on feeds):

each kind of calendar holds its own    test_each_kind_holds_its_own
a station's, for everybody             test_it_says_what_the_notice_on_the_door_says_and_nothing_more
                                       test_an_organiser_opens_it_and_the_page_gives_the_address
due dates as tasks, a second address   test_each_kind_holds_its_own
address, webcal, QR, shown once        test_the_page_gives_an_address_once_and_the_address_gives_the_calendar
from where it can be reached           test_the_page_knows_from_where_it_can_be_read
clients that can reach us              test_only_clients_that_can_reach_us_are_offered
alarms on or off                       test_alarms_are_off_where_they_are_switched_off
last read, by what                     test_the_page_gives_an_address_once_and_the_address_gives_the_calendar
renew, revoke                          test_renewing_and_closing
                                       test_a_new_address_keeps_how_the_old_one_was_set
inside WeChat                          test_inside_wechat_it_says_what_to_do
bytes, ETag, HEAD, 304                 test_two_readings_are_byte_for_byte_the_same_and_a_known_one_is_304
a renamed station, in every client     test_evolution_subscribes_follows_every_change_and_forgets_what_is_gone
                                       test_a_renamed_station_reaches_every_event_that_is_not_history
under a megabyte                       test_a_feed_stays_under_the_thousand_events_and_the_megabyte
                                       test_the_window_ends_before_and_behind
warm, a 304                            test_statements_do_not_grow
                                       test_reading_it_again_costs_one_statement
rights when it is fetched              test_rights_are_asked_when_it_is_read
look-backs lead to hearing, promises   test_a_look_back_leads_to_its_hearing_and_its_promises_where_one_may_see_them
a cancelled one held anew              test_what_is_held_in_place_of_a_cancelled_one_leads_to_it
an address that is none                test_an_address_that_is_not_one
                                       test_an_address_that_is_none
"""
