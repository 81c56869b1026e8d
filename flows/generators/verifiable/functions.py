"""Functions of ours that tasks ask for: the docstring is the task, the signature part of it."""


def count_vowels(text: str) -> int:
    """Returns how many of the letters a, e, i, o, u are in a text, in any case."""
    return sum(letter in "aeiou" for letter in text.lower())


def reverse_words(text: str) -> str:
    """Returns the words of a text in reverse order, with one space between them."""
    return " ".join(reversed(text.split()))


def is_palindrome(text: str) -> bool:
    """Says whether a text reads the same backwards when case and everything but letters and \
digits are ignored."""
    letters = [letter for letter in text.lower() if letter.isalnum()]
    return letters == letters[::-1]


def longest_word(text: str) -> str:
    """Returns the longest word of a text, the first one of several, and an empty string for a \
text without words."""
    return max(text.split(), key=len, default="")


def initials(name: str) -> str:
    """Returns the first letter of every word of a name in capitals, without anything between."""
    return "".join(word[0].upper() for word in name.split())


def count_words(text: str) -> dict[str, int]:
    """Returns a dictionary of how often each word of a text comes, in small letters; words are \
separated by white space."""
    found: dict[str, int] = {}
    for word in text.lower().split():
        found[word] = found.get(word, 0) + 1
    return found


def shift_letters(text: str, steps: int) -> str:
    """Moves every small letter from a to z forward by a number of steps, from z on to a, and \
leaves all other characters as they are."""
    return "".join(
        chr((ord(letter) - 97 + steps) % 26 + 97) if "a" <= letter <= "z" else letter
        for letter in text
    )


def remove_repeats(text: str) -> str:
    """Replaces every run of the same character by one of it."""
    kept: list[str] = []
    for letter in text:
        if not kept or kept[-1] != letter:
            kept.append(letter)
    return "".join(kept)


def capitalise_words(text: str) -> str:
    """Makes the first letter of every word a capital and leaves the others; words are separated \
by single spaces."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def is_anagram(first: str, second: str) -> bool:
    """Says whether two words have the same letters equally often, in any case."""
    return sorted(first.lower()) == sorted(second.lower())


def sum_of_digits(number: int) -> int:
    """Returns the sum of the decimal digits of a whole number, without its sign."""
    return sum(map(int, str(abs(number))))


def is_prime(number: int) -> bool:
    """Says whether a whole number is a prime."""
    return number > 1 and all(number % other for other in range(2, int(number**0.5) + 1))


def factorial(number: int) -> int:
    """Returns the factorial of a whole number of 0 or more."""
    return 1 if number == 0 else number * factorial(number - 1)


def fibonacci(place: int) -> int:
    """Returns the Fibonacci number at a place, where places 0 and 1 hold 0 and 1."""
    low, high = 0, 1
    for _ in range(place):
        low, high = high, low + high
    return low


def greatest_common_divisor(first: int, second: int) -> int:
    """Returns the greatest common divisor of two positive whole numbers."""
    while second:
        first, second = second, first % second
    return first


def is_leap_year(year: int) -> bool:
    """Says whether a year of the Gregorian calendar is a leap year."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def to_binary(number: int) -> str:
    """Returns a whole number of 0 or more in binary digits, without any prefix."""
    return f"{number:b}"


def divisors(number: int) -> list[int]:
    """Returns all positive divisors of a positive whole number, smallest first."""
    return [other for other in range(1, number + 1) if number % other == 0]


def clamp(value: int, low: int, high: int) -> int:
    """Returns a value, but at least low and at most high."""
    return max(low, min(value, high))


def seconds_to_clock(seconds: int) -> str:
    """Writes seconds as hours:minutes:seconds with two digits each, such as 01:02:03."""
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def only_even(numbers: list[int]) -> list[int]:
    """Returns the even ones of a list of whole numbers, in their order."""
    return [number for number in numbers if number % 2 == 0]


def second_largest(numbers: list[int]) -> int | None:
    """Returns the second largest of the different numbers of a list, and None where there are \
fewer than two."""
    ordered = sorted(set(numbers))
    return ordered[-2] if len(ordered) > 1 else None


def without_repeats(items: list[int]) -> list[int]:
    """Returns a list without the items that came before in it, in their order."""
    return list(dict.fromkeys(items))


def running_totals(numbers: list[int]) -> list[int]:
    """Returns for every place of a list the sum of all numbers up to and with it."""
    return [sum(numbers[: place + 1]) for place in range(len(numbers))]


def flatten(lists: list[list[int]]) -> list[int]:
    """Joins the lists in a list to one list."""
    return [item for inner in lists for item in inner]


def in_chunks(items: list[int], size: int) -> list[list[int]]:
    """Cuts a list into lists of a size; the last one may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def rotate(items: list[int], steps: int) -> list[int]:
    """Moves every item of a list to the right by a number of steps; what falls off the end comes \
in at the start."""
    cut = len(items) - steps % len(items) if items else 0
    return items[cut:] + items[:cut]


def common_items(first: list[int], second: list[int]) -> list[int]:
    """Returns the different items that are in both of two lists, smallest first."""
    return sorted(set(first) & set(second))


def most_common(items: list[int]) -> int | None:
    """Returns the item that is most often in a list, the smallest of several, and None for an \
empty list."""
    return min(items, key=lambda item: (-items.count(item), item), default=None)


def transpose(rows: list[list[int]]) -> list[list[int]]:
    """Turns the rows of a table into its columns; all rows have the same length."""
    return [list(column) for column in zip(*rows, strict=True)]
