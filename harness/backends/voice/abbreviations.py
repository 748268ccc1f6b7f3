"""Tables of the front end: what short forms, symbols and letters are called."""

from __future__ import annotations

TITLES = {
    "Mr": "mister", "Mrs": "missus", "Ms": "miz", "Messrs": "messieurs", "Dr": "doctor", "Prof": "professor",
    "Rev": "reverend", "Hon": "honorable", "Capt": "captain", "Col": "colonel", "Gen": "general",
    "Lt": "lieutenant", "Maj": "major", "Sgt": "sergeant", "Cpl": "corporal", "Gov": "governor", "Sen": "senator",
    "Rep": "representative", "Pres": "president", "Mt": "mount", "Ft": "fort", "Fr": "father",
}  # fmt: skip
# Read in full wherever they stand with their full stop; a sentence may end on them.
SHORT_FORMS = {
    "Jr": "junior", "Sr": "senior", "Ave": "avenue", "Rd": "road", "Blvd": "boulevard", "Ln": "lane",
    "Co": "company", "Inc": "incorporated", "Ltd": "limited", "Corp": "corporation", "Dept": "department",
    "Univ": "university", "Vol": "volume", "vol": "volume", "Ch": "chapter", "ch": "chapter", "Fig": "figure",
    "fig": "figure", "approx": "approximately", "est": "established", "vs": "versus", "etc": "et cetera",
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July",
    "Aug": "August", "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December",
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday", "cf": "compare", "ca": "circa",
    "al": "al", "ed": "edition", "eds": "editors", "pp": "pages", "min": "minutes", "max": "maximum",
}  # fmt: skip
DOTTED = {"e.g.": "for example", "i.e.": "that is", "a.k.a.": "A K A", "p.s.": "P S", "n.b.": "N B"}
# Words of their own without the full stop ("sat", "sun"): expanded only when capitalised and not at the end.
AMBIGUOUS = {"Mar", "Jun", "Sat", "Sun", "Mon", "Wed", "Fri", "min", "max", "ed", "al", "est", "ca", "Co", "Ch", "ch"}
SYMBOLS = {
    "&": " and ", "@": " at ", "+": " plus ", "=": " equals ", "#": " number ", "§": " section ", "°": " degrees ",
    "©": " copyright ", "™": " trademark ", "×": " times ", "÷": " divided by ", "±": " plus or minus ",
    "%": " percent ", "$": " dollars ", "£": " pounds ", "€": " euros ",
}  # fmt: skip
NUMBERED = ("Chapter", "Part", "Book", "Volume", "Act", "Scene", "Section", "Article", "War", "Phase", "Type", "Class")
MONARCHS = (
    "Alexander", "Alfonso", "Benedict", "Boniface", "Catherine", "Charles", "Christian", "Clement", "Edward",
    "Elizabeth", "Ferdinand", "Francis", "Frederick", "George", "Gregory", "Gustav", "Henry", "Innocent", "James",
    "John", "Leo", "Leopold", "Louis", "Mary", "Napoleon", "Nicholas", "Paul", "Peter", "Philip", "Pius", "Richard",
    "Robert", "Rudolf", "Urban", "Wilhelm", "William",
)  # fmt: skip
LETTER_PHONES = {
    "a": "ey1", "b": "b iy1", "c": "s iy1", "d": "d iy1", "e": "iy1", "f": "eh1 f", "g": "jh iy1", "h": "ey1 ch",
    "i": "ay1", "j": "jh ey1", "k": "k ey1", "l": "eh1 l", "m": "eh1 m", "n": "eh1 n", "o": "ow1", "p": "p iy1",
    "q": "k y uw1", "r": "aa1 r", "s": "eh1 s", "t": "t iy1", "u": "y uw1", "v": "v iy1", "w": "d ah1 b ax0 l y uw0",
    "x": "eh1 k s", "y": "w ay1", "z": "z iy1",
}  # fmt: skip
