"""The Go Text Protocol: whole sessions as Sabaki, Lizzie and GoGui send them, and every command right and wrong."""

import random
import re
import string
import time

import numpy as np
import pytest
from gtp import ask, by_hash, converse, engine, uniform

from cnnzoo.go.gtp import serve
from cnnzoo.go.gtp.protocol import read_command

SGF = b"(;FF[4]GM[1]SZ[9]KM[5.5]PB[Black]PW[White];B[ee];W[cc];B[gc];W[])"


def names(served):
    return ask(served, "list_commands")[0].removeprefix("= ").split("\n")


def test_sabaki_starts_plays_and_analyses():
    # src/modules/enginesyncer.js and @sabaki/gtp's ControllerStateTracker.js; it aborts by protocol_version.
    answers = ask(
        engine(19, by_hash),
        "name",
        "version",
        "protocol_version",
        "list_commands",
        "komi 6.5",
        "boardsize 19",
        "clear_board",
        "play B Q16",
        "genmove_analyze W 50",
        "protocol_version",
        "analyze B 50",
        "protocol_version",
        "undo",
        "play W D4",
    )
    assert answers[:3] == ["= cnnzoo", "= 0.17 (of Leela Zero, whose form the analysis has; cnnzoo test)", "= 2"]
    listed = answers[3].removeprefix("= ").split("\n")
    assert {"analyze", "genmove_analyze", "set_free_handicap", "undo"} <= set(listed)
    assert not {"kata-analyze", "kata-genmove_analyze"} & set(listed)
    assert answers[4:8] == ["= "] * 4
    head, info, move = answers[8].split("\n")
    assert head == "= "
    assert re.fullmatch(r"play [A-T]\d+", move)
    assert info.startswith(f"info move {move[5:]} ")
    assert answers[10].startswith("=\ninfo move ")
    assert answers[11:] == ["= 2", "= ", "= "]


def test_lizzie_starts_and_analyses_with_numbered_commands_and_no_colour():
    # analysis/Leelaz.java: it reads the second number of the version, and drops lines while it changes its board.
    version = ask(engine(), "version")[0].split()[1]
    assert int(version.split(".")[1]) >= 15
    served = engine(19, by_hash)
    answers = ask(
        served,
        "1 name",
        "2 version",
        "3 boardsize 19",
        "4 komi 7.5",
        "5 lz-analyze 10",
        "6 play B Q16",
        "7 lz-analyze 10 avoid b D4,Q4 1 avoid w D4,Q4 1",
        "8 name",
        "9 lz-genmove_analyze W 10",
        "10 fixed_handicap 2",
        "11 time_settings 0 10 1",
        "12 quit",
    )
    assert [answer.split()[0].split("\n")[0] for answer in answers] == [
        f"{'?' if number == 10 else '='}{number}" for number in range(1, 13)
    ]
    assert answers[4].startswith("=5\ninfo move ")
    assert " D4 " in answers[4]
    assert not re.search(r"\b(D4|Q4)\b", answers[6])
    for info in answers[6].split("info ")[1:]:
        keys = info.split()
        assert keys[::2][:6] == ["move", "visits", "winrate", "prior", "order", "pv"]
        assert all(value.isdecimal() for value in keys[3:11:2])
    assert re.search(r"\nplay [A-T]\d+$", answers[8])
    assert answers[9] == "?10 board not empty"


def test_gogui_starts_and_draws_the_heat_map():
    # GoGui.java, GtpClientBase.java, GtpSynchronizer.java and AnalyzeShow.java.
    answers = ask(
        engine(9, by_hash),
        *("name", "protocol_version", "version", "list_commands", "name", "protocol_version"),
        *("gogui-analyze_commands", "boardsize 9", "clear_board", "komi 6.5"),
        *("gogui-setup b A1 b B1 w A2 w B2", "gogui-setup_player b", "gogui-play_sequence b E5 w PASS b C3"),
        *("cnnzoo-policy_gfx w", "cnnzoo-policy w", "genmove w", "undo", "undo", "showboard"),
    )
    assert not [answer for answer in answers if answer.startswith("?")]
    listed = answers[3].split("\n")
    for line in answers[6].removeprefix("= ").split("\n"):
        kind, _, command = line.split("/")
        assert kind in ("gfx", "pstring")
        assert command.removesuffix(" %m") in listed
    graphics = answers[13].removeprefix("= ").split("\n")
    assert all(re.fullmatch(r"COLOR #[0-9a-f]{6} [A-J][1-9]", line) for line in graphics[:-2])
    assert re.fullmatch(r"LABEL( [A-J][1-9] \d+)+", graphics[-2])
    assert re.fullmatch(r"TEXT( [A-J][1-9] \d+\.\d %,?){5}", graphics[-1])
    assert graphics[0].split()[2] == answers[14].split()[1] == answers[15].split()[1]
    assert "White to move; 2 moves played" not in answers[18]
    assert "Black to move; 2 moves played; last move pass; komi 6.5" in answers[18]


def test_an_analysis_goes_on_until_any_input_comes():
    written = []

    def inputs():
        yield b"5 lz-analyze b 10\n"
        while written[-1:] != ["\n"] and len(written) < 3:
            time.sleep(0.01)
        yield b"\n"
        yield b"6 name\n"

    serve(engine(), inputs(), written.append)
    assert written[0].startswith("=5\ninfo move A9 visits 123 winrate 5000 prior 123 order 0 pv A9 info move B9 ")
    assert written[1] == written[2] == written[0].split("\n", 1)[1]
    assert written[-2:] == ["\n", "=6 cnnzoo\n\n"]


def test_an_analysis_lists_possible_moves_from_the_likeliest_on_and_invents_nothing():
    served = engine(7, by_hash)
    played = ask(served, "genmove b", "genmove w", "reg_genmove b")
    info = ask(served, "analyze b 10")[0].split("info ")[1:]
    rows = [dict(zip(line.split()[::2], line.split()[1::2], strict=True)) for line in info]
    assert rows[0]["move"] == played[2].removeprefix("= ")
    assert not {row["move"] for row in rows} & {answer.removeprefix("= ") for answer in played[:2]}
    assert {row["winrate"] for row in rows} == {"5000"}
    assert [row["order"] for row in rows] == [str(number) for number in range(len(rows))]
    assert [row["prior"] for row in rows] == [row["visits"] for row in rows]
    priors = [int(row["prior"]) for row in rows]
    assert priors == sorted(priors, reverse=True)
    assert 9_000 < sum(priors) <= 10_050
    assert ask(served, "analyze w allow w A1,B2 1")[0].count("info ") == 2
    assert ask(served, "analyze b allow w A1,B2 1")[0].count("info ") > 2


def test_an_analysis_without_a_move_is_empty():
    served = engine(7)
    stones = " ".join(f"b {column}{row}" for row in range(1, 8) for column in "ABCDEFG" if f"{column}{row}" != "A1")
    setup = f"gogui-setup {stones.replace('b C7 ', '')}"
    answers = converse(served, setup, "analyze b", "cnnzoo-policy b", "genmove_analyze b")
    assert answers == "= \n\n=\n\n= no move is left but pass\n\n= \nplay pass\n\n"


@pytest.mark.parametrize(
    ("command", "answer"),
    {
        "boardsize 19": "unacceptable size: the model plays on 9x9",
        "boardsize 25": "unacceptable size: the model plays on 9x9",
        "boardsize": "syntax error: this command takes 1 argument, not 0",
        "boardsize nine": "syntax error: a whole number from 0 to 999999999 is expected",
        "boardsize " + 5_000 * "9": "syntax error: a whole number",
        "boardsize ²": "syntax error: a whole number",
        "komi nan": "syntax error: a finite number is expected",
        "komi inf": "syntax error: a finite number is expected",
        "komi 1 2": "syntax error: this command takes 1 argument, not 2",
        "play b z5": "syntax error: a point is a letter and a number from A1 to J9, without the letter I, or pass",
        "play green E5": "syntax error: a color is b, black, w or white",
        "play b": "syntax error: this command takes 2 arguments, not 1",
        "play w E5 E6": "syntax error: this command takes 2 arguments, not 3",
        "genmove": "syntax error: this command takes 1 argument, not 0",
        "undo": "cannot undo: no move has been played",
        "fixed_handicap 1": "invalid number of stones: this board takes 2 to 9",
        "fixed_handicap 10": "invalid number of stones: this board takes 2 to 9",
        "place_free_handicap 81": "invalid number of stones: this board takes 2 to 80",
        "set_free_handicap A1": "bad vertex list: a handicap has two points or more",
        "set_free_handicap A1 A1": "bad vertex list: each stone needs a point of its own",
        "set_free_handicap A1 pass": "bad vertex list: each stone needs a point of its own",
        "gogui-setup b A1 w A1": "bad vertex list: each stone needs a point of its own",
        "gogui-setup b A1 w A2 w B1": "bad vertex list: the stones leave a chain without liberties",
        "gogui-setup b": "syntax error: this command takes pairs of a color and a point",
        "gogui-play_sequence b A1 w A1": "illegal move: the point is occupied",
        "final_score": "cannot score: both players have to pass first, and dead stones count as alive",
        "final_status_list sleeping": "syntax error: a status is alive, dead or seki",
        "time_settings 1 2": "syntax error: this command takes 3 arguments, not 2",
        "time_left b -1 0": "syntax error: a whole number",
        "kgs-time_settings": "syntax error: a system of time is one of none, absolute, byoyomi, canadian",
        "kgs-time_settings byoyomi 3": "syntax error: this command takes 4 arguments, not 2",
        "lz-analyze b x": "syntax error: this command takes [color] [centiseconds]",
        "loadsgf": "syntax error: this command takes a file",
        "loadsgf nothing.sgf": "There is no file nothing.sgf.",
        f"loadsgf {'a' * 5_000}": f"There is no file {'a' * 5_000}.",
        "loadsgf /dev/zero": "There is no file /dev/zero.",
        "quit now": "syntax error: this command takes 0 arguments, not 1",
        "jump": "unknown command",
        "-1 name": "unknown command",
        "7": "unknown command",
        "\u00a0name": "unknown command",
    }.items(),
)
def test_a_wrong_command_is_refused_with_the_reason_and_changes_nothing(command, answer):
    served = engine()
    before = ask(served, "showboard")
    (refused,) = ask(served, command)
    expected = re.fullmatch(rf"\?{command if command == '7' else ''} {re.escape(answer)}.*", refused)
    assert expected, refused
    assert ask(served, "showboard") == before


def test_the_time_is_accepted_and_the_commands_are_known():
    served = engine()
    right = ("time_settings 600 30 5", "time_left b 30 5", "kgs-time_settings none", "kgs-time_settings absolute 60")
    assert ask(served, *right, "kgs-time_settings byoyomi 60 10 5") == ["= "] * 5
    for name in names(served):
        assert ask(served, f"known_command {name}") == ["= true"]
    assert ask(served, "known_command sing") == ["= false"]


def test_lines_are_read_as_the_protocol_says():
    served = engine()
    assert converse(served, b"\r\n", b"  \t \n", b"# 1 name\n", b"\x00\x7f\n") == ""
    assert ask(served, b"\t 12\tna\x07me  # a comment\r\n") == ["=12 cnnzoo"]
    assert ask(served, b"0000099999999999999999999999 name") == ["=0000099999999999999999999999 cnnzoo"]
    assert ask(served, b"\xff\xfe\x80\n", b"play b \xc3\xa9\n", b"name\n")[2] == "= cnnzoo"
    assert read_command(b"7 loadsgf a\xff b.sgf\n").arguments == ["a\udcff", "b.sgf"]


def test_quit_ends_a_session_and_so_does_the_end_of_the_input():
    served = engine()
    assert converse(served, "1 quit", "2 name") == "=1 \n\n"
    assert served.has_quit
    assert converse(engine(), "analyze b").endswith("\n\n")


def test_the_engine_itself_repeats_no_position():
    served = engine(7)
    ko = "gogui-setup b B7 b A6 b B5 w C7 w D6 w C5 b C6"
    answers = ask(served, ko, "gogui-setup_player w", "play w B6", "play b pass", "play w pass", "play b C6", "undo")
    assert answers[-2:] == ["= ", "= "]  # the other program may have other rules
    assert "C6" not in ask(served, "analyze b allow b C6 1")[0]


def test_handicap_stones_stand_where_the_protocol_puts_them():
    assert ask(engine(19), "fixed_handicap 9", "showboard")[0] == "= D4 Q16 D16 Q4 D10 Q10 K4 K16 K10"
    assert ask(engine(9), "fixed_handicap 5") == ["= C3 G7 C7 G3 E5"]
    assert ask(engine(13), "fixed_handicap 6") == ["= D4 K10 D10 K4 D7 K7"]
    assert ask(engine(8), "fixed_handicap 5") == ["? invalid number of stones: this board takes 2 to 4"]
    assert ask(engine(8), "place_free_handicap 5") == ["= C3 F6 C6 F3"]


def test_after_a_handicap_white_moves_and_the_handicap_cannot_be_taken_back():
    served = engine(9)
    answers = ask(served, "set_free_handicap A1 B2 J9", "showboard", "undo", "genmove w", "undo", "fixed_handicap 2")
    assert "White to move" in answers[1]
    assert [answer[0] for answer in answers] == list("==?==?")
    assert ask(served, "clear_board", "fixed_handicap 2") == ["= ", "= C3 G7"]


def test_the_score_is_the_area_after_two_passes_and_all_stones_count_as_alive():
    served = engine(9)
    answers = ask(served, "play b E5", "play w A1", "komi 0.5", "play b pass", "final_score", "play w pass")
    assert answers[4].startswith("? cannot score")
    alive = ["= E5\nA1"]
    assert ask(served, "final_score", "final_status_list alive", "final_status_list dead") == ["= W+0.5", *alive, "= "]


def test_a_game_is_loaded_from_a_file_up_to_a_move(tmp_path):
    path = tmp_path / "my game.sgf"
    path.write_bytes(SGF)
    served = engine(9)
    whole = ask(served, f"loadsgf {path}", "showboard")[1]
    assert "Black to move; 4 moves played; last move pass; komi 5.5" in whole
    assert "Black to move; 2 moves played; last move C7" in ask(served, f"loadsgf {path} 3", "showboard")[1]
    assert "Black to move; 0 moves played" in ask(served, f"loadsgf {path} 0", "showboard")[1]
    assert ask(served, f"loadsgf {path}", "undo", "undo", "undo", "play b E5")[-1].startswith("? illegal move")
    other = ask(engine(19), f"loadsgf {path}")
    assert other == ["? cannot load file: it has a board of 9x9, and the model plays on 19x19"]


def test_an_error_of_the_model_is_an_answer(capsys):
    def broken(board):
        raise RuntimeError("out of\n\nmemory")

    served = engine(9, broken)
    assert ask(served, "genmove b", "name") == ["? internal error: RuntimeError: out of\nmemory", "= cnnzoo"]
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("size", "policy"), [(7, by_hash), (9, by_hash), (7, uniform)])
def test_a_game_against_itself_ends_with_legal_moves_only(size, policy):
    served, mirror = engine(size, policy), engine(size)
    moves = 0
    while moves < 1_000:
        colour = "bw"[moves % 2]
        (answer,) = ask(served, f"kgs-genmove_cleanup {colour}" if moves % 3 else f"genmove {colour}")
        assert answer.startswith("= ")
        assert ask(mirror, f"play {colour} {answer[2:]}") == ["= "]
        moves += 1
        if ask(mirror, "final_score")[0].startswith("="):
            break
    assert 20 < moves < 1_000


def test_random_lines_never_stop_the_engine_and_each_command_gets_one_answer(tmp_path):
    generator = random.Random(0)
    (tmp_path / "a.sgf").write_bytes(SGF)
    served = engine(7, by_hash, temperature=1.0, seed=0)
    known = [name for name in names(served) if name != "quit"]
    words = ["b", "w", "A1", "g7", "D4", "pass", "I9", "7", "0", "-3", "nan", "1e999", str(tmp_path / "a.sgf"), "é", ""]

    def write_line():
        if generator.random() < 0.1:
            characters = (string.printable + "\x00\x1b\x7f").replace("\n", "")
            return "".join(generator.choices(characters, k=generator.randint(0, 30))).encode() + b"\xff\n"
        name = generator.choice(["play", "genmove", generator.choice(known)])
        likely = [generator.choice(["b", "w"]), f"{generator.choice('ABCDEFG')}{generator.randint(1, 7)}"]
        given = likely if generator.random() < 0.6 else generator.choices(words, k=generator.randint(0, 4))
        number = f"{generator.randint(0, 10**12)} " if generator.random() < 0.5 else ""
        return f"{number}{name} {' '.join(given)}\n".encode()

    lines = [write_line() for _ in range(3_000)]
    commands = [command for line in lines if (command := read_command(line)) and command.name != "quit"]
    lines = [line for line in lines if not (read_command(line) and read_command(line).name == "quit")]
    written = []
    serve(served, lines, written.append)
    answers = re.findall(r"(?:^|\n\n)([=?]\d*)", "".join(written))
    assert [answer[1:] for answer in answers] == [command.id for command in commands]
    assert "internal error" not in "".join(written)


def test_the_board_is_the_same_after_random_moves_and_as_many_undos():
    generator = np.random.default_rng(0)
    served = engine(7)
    states = [ask(served, "showboard")]
    for _ in range(60):
        point = f"{'ABCDEFG'[generator.integers(7)]}{generator.integers(1, 8)}"
        if ask(served, f"play {'bw'[generator.integers(2)]} {point}") == ["= "]:
            states.append(ask(served, "showboard"))
    while len(states) > 1:
        assert ask(served, "showboard") == states.pop()
        assert ask(served, "undo") == ["= "]
    assert ask(served, "showboard") == states[0]
