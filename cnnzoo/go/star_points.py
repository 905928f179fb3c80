"""Star points, where fixed handicaps have their stones and a board its dots."""


def handicap_points(size: int, stones: int) -> list[int]:
    """Return the points of a fixed handicap, as the protocol lists them.

    Args:
        size: Points a side, from 7 on.
        stones: From 2 to ``most_handicap_stones(size)``.
    """
    near = 3 if size >= 13 else 2
    far, middle = size - 1 - near, size // 2
    corners = [(far, near), (near, far), (near, near), (far, far)]
    sides = [(middle, near), (middle, far), (far, middle), (near, middle)]
    places = corners[:stones] + sides[: max(0, stones - 4) // 2 * 2]
    if stones >= 5 and stones % 2:
        places.append((middle, middle))
    return [row * size + column for row, column in places]


def most_handicap_stones(size: int) -> int:
    """Return the largest fixed handicap on a board."""
    return 9 if size % 2 and size >= 9 else 4


def star_points(size: int) -> list[int]:
    """Return the points that a board marks with dots: nine from 15 points a side on, else five, or four if even."""
    return handicap_points(size, (9 if size >= 15 else 5) if size % 2 else 4)
