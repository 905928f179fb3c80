"""Matches between engines: fair pairs of games, faults that lose, results that count a game once, resumption."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from gtp_engine import command, has_ended
from sgfmill import sgf

from cnnzoo.errors import UserError
from cnnzoo.go.board import BLACK, PASS, WHITE, Board
from cnnzoo.go.engine_process import split_command
from cnnzoo.go.match import MatchFolder, PlayedGame, Settings, Table, open_match, play, summarize
from cnnzoo.go.match.game import Play
from cnnzoo.go.match.openings import count_distinct, list_opening_points, make_openings
from cnnzoo.go.match.summary import rate_wins
from cnnzoo.go.scoring import area_score
from cnnzoo.go.symmetries import permutations

RANDOM = command("random")


def make_settings(engine_a=RANDOM, engine_b=RANDOM, **values):
    defaults = {"games": 2, "size": 7, "opening_moves": 2, "referee": "none", "time": 10.0}
    return Settings(engine_a, engine_b, **defaults | values)


def play_one(number=1, **values):
    """Return a game of a match."""
    with Table(make_settings(**values)) as table:
        return table.play(number)


def make_game(number, black, winner, moves=(0,), reason="score", score=None):
    score = {"A": 1.5, "B": -1.5, None: 0.0}[winner] * (1 if black == "A" else -1) if score is None else score
    return PlayedGame(number, 1, black, winner, reason, score, "", (*moves,), {"A": 1, "B": 1}, {"A": 0.5, "B": 2.0})


def run_match(folder, jobs=1, on_game=lambda _: None):
    """Play the missing games of a match in a directory."""
    with Table(folder.settings) as table:
        play(folder, table, jobs, on_game)


def new_match(directory, **values):
    settings = make_settings(**values)
    directory.mkdir()
    with Table(settings) as table:
        return MatchFolder(directory, settings, table.start())


def test_two_games_share_an_opening_with_exchanged_colours_and_are_written_as_sgf(tmp_path):
    folder = new_match(tmp_path / "match", games=4, engine_b=command("random", "other"))
    run_match(folder)
    assert [game.black for game in folder.games] == ["A", "B", "A", "B"]
    first, second, third, fourth = (game.moves[:2] for game in folder.games)
    assert first == second != third == fourth
    for game in folder.games:
        assert set(game.asked.values()) <= {len(game.moves) // 2, len(game.moves) // 2 - 1}
        record = sgf.Sgf_game.from_bytes((folder.directory / f"game-000{game.number}.sgf").read_bytes())
        read = [move for _, move in (node.get_move() for node in record.get_main_sequence()[1:])]
        assert read == [None if move == PASS else (6 - move // 7, move % 7) for move in game.moves]
        assert record.get_winner() == ("b" if game.winner == game.black else "w")
        assert record.get_komi() == 7.5
        assert f"Opening {game.opening}: " in record.get_root().get("C")
        assert f"White: {folder.settings.engine_b if game.white == 'B' else RANDOM}" in record.get_root().get("C")
    assert open_match(folder.directory) == folder
    assert json.loads(folder.path.read_text())["result"]["total"]["games"] == folder.summarize().total.games > 0


def test_a_game_is_scored_by_area_where_there_is_no_referee():
    game = play_one()
    board = Board(7)
    for move in game.moves:
        board.play(move)
    assert game.moves[-2:] == (PASS, PASS)
    assert (game.reason, game.score) == ("score", area_score(board) - 7.5)


@pytest.mark.parametrize(
    ("behaviour", "reason", "note"),
    [
        ("illegal", "illegal", "played .*: the point is occupied"),
        ("nonsense", "illegal", "answered 'genmove' with a wrong move: a point is a letter and a number from A1 to G7"),
        ("dies", "died", "ended with exit code 3: a first line / out of memory"),
        ("hangs", "time", "gave no answer to 'genmove w' within 1 s"),
        ("garbage", "error", "gave no valid answer to 'genmove w', but 'Thinking"),
        ("refuses", "error", "answered 'genmove w' with an error: no mood"),
        ("resigns", "resign", "^$"),
    ],
)
def test_an_engine_that_fails_loses_and_the_game_says_why(behaviour, reason, note):
    game = play_one(engine_b=command(behaviour), time=1.0 if behaviour == "hangs" else 10.0)
    assert (game.winner, game.reason) == ("A", reason)
    assert re.search(note, game.note)


def test_a_failed_engine_is_started_again_for_the_next_game(tmp_path):
    folder = new_match(tmp_path / "match", engine_a=command("dies"), games=4)
    run_match(folder)
    assert [(game.winner, game.reason) for game in folder.games] == [("B", "died")] * 4
    assert folder.summarize().endings == {"died": {"A": 0, "B": 4}}


def test_a_move_that_repeats_the_whole_board_loses():
    """White gives two stones in the corner, Black takes them, and White may not take one back."""
    black, white = (
        command("script", *["A6", "B6", "G1", "F1", "C7"]),
        command("script", *["B7", "D7", "C6", "A7", "B7"]),
    )
    game = play_one(engine_a=black, engine_b=white, opening_moves=0)
    assert (game.winner, game.reason, len(game.moves)) == ("A", "illegal", 9)
    assert game.note == "played B7: the move repeats a position (positional superko)"


def test_a_game_without_end_is_scored_at_the_limit_of_moves():
    assert make_settings().most_moves == 98
    with Table(make_settings()) as table:
        table.engines["A"].start()
        table.engines["B"].start()
        game = Play({BLACK: table.engines["A"], WHITE: table.engines["B"]}, 7, 7.5, 5.0)
        assert game.run([], 5) == "limit"
    assert len(game.moves) == 5


def test_the_referee_scores_a_game_and_one_that_it_cannot_score_is_named():
    scored = play_one(referee=command("referee", "W+3.5"))
    assert (scored.winner, scored.score) == ("B", -3.5)
    drawn = play_one(referee=command("referee", "0"), komi=7)
    assert (drawn.winner, drawn.score, drawn.is_unscored) == (None, 0, False)
    failed = play_one(referee=command("referee", "perhaps"))
    assert failed.is_unscored
    assert failed.note == "gave no score for an answer to 'final_score', but 'perhaps'"


def test_openings_are_legal_corner_moves_and_differ_by_more_than_a_symmetry():
    openings = make_openings(19, 4, 50, seed=7)
    assert count_distinct(openings, 19) == 50
    for opening in openings:
        board = Board(19)
        for point in opening:
            assert point in list_opening_points(19)
            board.play(point)
        quarters = {(point // 19 < 9, point % 19 < 9) for point in opening}
        assert len(quarters) == 4
    assert openings[:10] == make_openings(19, 4, 10, seed=7) != make_openings(19, 4, 10, seed=8)
    assert all(len(set(opening)) == 12 for opening in make_openings(9, 12, 5, seed=0))
    assert count_distinct(make_openings(7, 0, 5, seed=0), 7) == 1


def test_identical_games_count_once_and_turned_ones_are_identical():
    moves = (0, 10, 30, 31, PASS, PASS)
    turned = [tuple(PASS if move == PASS else int(row[move]) for move in moves) for row in permutations(7)]
    games = [make_game(number, "A", "A", form) for number, form in enumerate(turned, 1)]
    games += [make_game(9, "B", "A", moves), make_game(10, "A", "A", (0, 10, 30)), make_game(11, "B", "B", moves)]
    summary = summarize(games, 7)
    assert summary.repeated == dict.fromkeys(range(2, 9), 1)
    assert (summary.played, summary.total.wins, summary.total.games) == (11, 3, 4)
    assert (summary.as_black.games, summary.as_white.games, summary.as_white.wins) == (2, 2, 1)
    assert summary.seconds_per_move == {"A": 0.5, "B": 2.0}


def test_draws_and_unscored_games_are_counted_apart():
    unscored = replace(make_game(3, "A", None, (3,)), score=None, note="gave no score")
    summary = summarize([make_game(1, "A", "A", (1,)), make_game(2, "A", None, (2,)), unscored], 7)
    assert (summary.draws, summary.unscored, summary.total.wins, summary.total.games) == (1, [3], 1, 1)
    assert summarize([], 7).total.rate is None


@pytest.mark.parametrize(
    ("wins", "games", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_that_of_newcombe_1998(wins, games, low, high):
    rate = rate_wins(make_game(number, "A", "A" if number < wins else "B") for number in range(games))
    assert (rate.wins, rate.games) == (wins, games)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_match_that_was_interrupted_continues_to_the_same_games(tmp_path, jobs):
    def forget_times(folder):
        return [replace(game, seconds={}) for game in folder.games]

    whole = new_match(tmp_path / "whole", games=4)
    run_match(whole)
    numbers = []

    def interrupt(game):
        numbers.append(game.number)
        if len(numbers) == 2:
            raise KeyboardInterrupt

    begun = new_match(tmp_path / "begun", games=4)
    with pytest.raises(KeyboardInterrupt):
        run_match(begun, jobs, interrupt)
    shutil.move(begun.directory, tmp_path / "moved")
    resumed = open_match(tmp_path / "moved")
    assert sorted(numbers) == [game.number for game in resumed.games]
    assert len(resumed.find_missing()) == 2
    run_match(resumed, jobs)
    assert forget_times(resumed) == forget_times(whole)
    assert sorted(path.name for path in resumed.directory.iterdir()) == [
        *(f"game-000{number}.sgf" for number in range(1, 5)),
        "match.json",
    ]


def test_an_interruption_leaves_no_engine_behind(tmp_path):
    folder = new_match(tmp_path / "match", games=4)

    def interrupt(_):
        raise KeyboardInterrupt

    with Table(folder.settings) as table:
        table.start()
        processes = [engine._process for engine in table.engines.values()]
        with pytest.raises(KeyboardInterrupt):
            play(folder, table, 2, interrupt)
    assert all(process.returncode is not None for process in processes)


def find_children(number):
    """Return the processes that a process has started."""
    tasks = Path(f"/proc/{number}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_match_that_is_stopped_ends_its_engines_and_says_how_to_continue(tmp_path, ctrl_c, number):
    arguments = [RANDOM, command("hangs"), "--size", "7", "--referee", "none"]
    match = subprocess.Popen(
        [sys.executable, "-m", "cnnzoo", "go", "match", *arguments],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    with match:
        while match.poll() is None and not (tmp_path / "runs/0001-match/match.json").exists():
            time.sleep(0.05)
        time.sleep(1)  # the game has begun, and waits for an engine that ignores a request to end
        engines = find_children(match.pid)
        match.send_signal(number)
        errors = match.stderr.read()
    assert match.returncode == 130
    assert "Continue with: cnnzoo go match --resume runs/0001-match\n" in errors
    assert len(engines) == 2
    assert all(map(has_ended, engines))


def test_the_command_plays_prints_and_continues(cnnzoo):
    arguments = [RANDOM, command("dies"), "--games", "3", "--size", "7", "--referee", "none"]
    answer = cnnzoo("go", "match", *arguments)
    assert answer.code == 0, answer.err
    line = "toy random 1 (Black) beats toy dies 1, which ended with exit code 3: a first line / out of memory; 7 moves"
    assert f"game 1 of 3: {line}\n" in answer.err
    assert "3 games: the last opening is played only once, with A as Black." in answer.err
    assert "toy random 1 (A) against toy dies 1 (B), 3 games\n" in answer.out
    assert re.search(r"all +3 +3 +100.00 +43.85 to 100.00", answer.out)
    assert "Ended: A won 3 because the opponent's process ended.\n" in answer.out
    assert f"\nEngine A: {RANDOM}\n" in answer.out
    assert "no referee: all stones count as alive" in answer.out
    assert f"\nGame 1: {line}.\n" in answer.out
    assert "Saved in runs/0001-match: match.json and 3 SGF files." in answer.out

    match = Path("runs/0001-match")
    content = json.loads((match / "match.json").read_text())
    content["games"] = content["games"][:1]
    (match / "match.json").write_text(json.dumps(content))
    resumed = cnnzoo("go", "match", *arguments, "--resume", match, "--json")
    assert resumed.code == 0, resumed.err
    assert "runs/0001-match has 1 of 3 games and continues." in resumed.err
    assert [game["winner"] for game in json.loads(resumed.out)["games"]] == ["A", "A", "A"]
    finished = cnnzoo("go", "match", "--resume", match)
    assert (finished.code, finished.err) == (0, "")
    assert re.search(r"all +3 +3 +100.00", finished.out)

    other = cnnzoo("go", "match", "--size", "9", "--resume", match)
    assert (other.code, other.out) == (2, "")
    assert other.err.startswith("Error: --size 9 differs from 7, the setting of the match in runs/0001-match;")
    content["names"]["b"] = "another engine"
    (match / "match.json").write_text(json.dumps(content))
    exchanged = cnnzoo("go", "match", "--resume", match)
    assert exchanged.code == 2
    assert "has games of A toy random 1, B another engine, referee none, and its commands now start A" in exchanged.err
    (match / "match.json").write_text("{}")
    assert "match.json is damaged" in cnnzoo("go", "match", "--resume", match).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([RANDOM], "Name two engines, each as one text, such as: cnnzoo go match 'gnugo"),
        ([RANDOM, "no-such-engine"], "The engine 'no-such-engine' cannot be started: there is no program"),
        ([RANDOM, RANDOM, "--referee", "no-such-engine"], "--referee none counts the area instead."),
        ([RANDOM, command("small"), "--referee", "none"], "answered 'boardsize 19' with an error: unacceptable size."),
        ([RANDOM, RANDOM, "--size", "25"], "A board has 7 to 19 points a side, not 25."),
        ([RANDOM, RANDOM, "--komi", "nan"], "A komi of nan is not possible"),
        ([RANDOM, RANDOM, "--time", "0"], "The time of a move is a positive number of seconds, not 0"),
        ([RANDOM, RANDOM, "--games", "0"], "A match has at least 1 game, not 0."),
        ([RANDOM, RANDOM, "--size", "7", "--opening-moves", "9"], "room for 0 to 4 opening moves, not 9."),
        (["--resume", "nothing"], "nothing is not the directory of a match: it has no match.json."),
    ],
)
def test_a_match_that_cannot_begin_is_refused_in_one_sentence_and_leaves_nothing(cnnzoo, tmp_path, arguments, message):
    answer = cnnzoo("go", "match", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert list(tmp_path.iterdir()) == []


def has_gnugo():
    try:
        return bool(split_command("gnugo"))
    except UserError:
        return False


@pytest.mark.skipif(not has_gnugo(), reason="GNU Go is not installed: apt install gnugo")
def test_gnu_go_beats_a_player_at_random_and_scores_the_game():
    game = play_one(engine_a="gnugo --mode gtp --level 1", referee=Settings.referee, size=9, time=60.0)
    assert (game.winner, game.reason) in {("A", "score"), ("A", "resign")}
    assert game.score is None or game.score > 10
