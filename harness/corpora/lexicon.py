"""Words of the book generator. No noun or adjective begins with a letter that misleads "a" or "an"."""

from __future__ import annotations

WOMEN = ("Alice", "Clara", "Edith", "Fiona", "Grace", "Helen", "Julia", "Kate", "Laura", "Margaret", "Nora", "Rose")
MEN = (
    "Adam",
    "Charles",
    "Daniel",
    "Edward",
    "Frank",
    "George",
    "Henry",
    "James",
    "Martin",
    "Peter",
    "Samuel",
    "Walter",
)
SURNAMES = (
    "Baker",
    "Carter",
    "Fletcher",
    "Gray",
    "Hill",
    "Lambert",
    "Marsh",
    "Palmer",
    "Shaw",
    "Turner",
    "Webb",
    "Wood",
)
TITLES = ("the doctor", "the postman", "the teacher", "the baker", "the captain", "the landlady", "the gardener")

WORDS: dict[str, tuple[str, ...]] = {
    "place": (
        "the harbor", "the old station", "the market square", "the library", "the upper field", "the stone bridge",
        "the chapel", "the boat shed", "the orchard", "the sawmill", "the school", "the corner shop", "the town hall",
        "the lighthouse", "the river path", "the bakery", "the north gate", "the empty stable", "the glass house",
        "the ferry landing", "the quarry", "the village pump", "the long barn", "the signal box", "the fish market",
        "the garden wall", "the crossroads", "the mill pond", "the inn", "the back kitchen",
    ),
    "room": (
        "the kitchen", "the attic", "the cellar", "the hall", "the front room", "the study", "the workshop",
        "the pantry", "the spare bedroom", "the music room", "the laundry", "the landing",
    ),
    "thing": (
        "lantern", "map", "basket", "ladder", "kettle", "letter", "clock", "coat", "box", "key", "notebook", "violin",
        "hammer", "rope", "chair", "bell", "compass", "picture", "parcel", "jar", "saddle", "blanket", "newspaper",
        "bucket", "candle", "teapot", "mirror", "suitcase", "whistle", "spade", "ticket", "model boat",
        "sewing machine", "rolling pin", "travel bag", "account book", "photograph", "toolbox", "cake tin",
        "walking stick",
    ),
    "things": (
        "letters", "apples", "chairs", "boxes", "candles", "stones", "plates", "tickets", "bottles", "blankets",
        "coins", "photographs", "nails", "baskets", "books", "ropes", "buttons", "maps", "loaves", "seeds",
    ),
    "adj": (
        "small", "heavy", "old", "narrow", "silver", "wooden", "dusty", "broken", "plain", "green", "faded",
        "polished", "rough", "borrowed", "crooked", "bright", "dark", "empty", "warm", "battered", "painted", "cheap",
        "curious", "red", "iron", "round", "familiar", "half-finished", "forgotten", "neat",
    ),
    "animal": (
        "dog", "gray cat", "pony", "blackbird", "goat", "hen", "fox", "heron", "sheep", "donkey", "crow",
        "brown hare", "swallow", "kitten", "goose", "robin", "cart horse", "seagull",
    ),
    "animal_did": (
        "watched from the fence", "crossed the road without hurry", "slept in a patch of sun",
        "called once and was quiet", "drank from the trough", "followed at a distance", "stood in the rain",
        "disappeared behind the barn", "looked up and looked away", "waited beside the gate",
        "picked its way along the wall", "sheltered under the cart",
    ),
    "went": (
        "walked to", "hurried toward", "came back from", "waited outside", "turned away from", "climbed up to",
        "cycled past", "set out for", "returned to", "stopped at", "looked across at", "ran down to",
    ),
    "handled": (
        "carried", "lifted", "mended", "hid", "opened", "studied", "wrapped", "cleaned", "weighed", "sold", "dropped",
        "found", "unpacked", "borrowed", "painted", "measured", "returned", "put down", "picked up", "admired",
    ),
    "did": (
        "listened for a moment", "lit the lamp", "made a pot of tea", "laughed out loud", "said nothing at all",
        "counted the money twice", "sat down on the step", "sharpened a pencil", "fell asleep by the fire",
        "wrote three lines and crossed them out", "shook the rain from a hat", "ate the last of the bread",
        "closed the shutters", "whistled a tune without a name", "swept the floor", "wound the clock",
        "thought about the price of coal", "put more wood on the fire", "looked for the matches",
        "folded the newspaper", "tried to remember the address", "hung the wet coats by the stove",
        "read the notice a second time", "cut the string with a knife", "hummed and tapped the table",
        "watered the plants on the sill",
    ),
    "how": (
        "slowly", "with great care", "without a word", "in a hurry", "as quietly as possible", "with both hands",
        "for the second time", "rather badly", "with a sigh", "as if nothing had happened", "at last", "once more",
        "out of habit", "with some pride", "for no good reason", "before anybody could object", "in good spirits",
    ),
    "when": (
        "in the morning", "after supper", "at noon", "before dawn", "on Sunday", "late that night", "an hour later",
        "the next day", "by four o'clock", "at the end of the week", "on the first of May", "toward evening",
        "when the rain stopped", "as soon as the shop was shut", "just after breakfast", "in the second week of June",
        "at half past seven", "on Thursday afternoon", "before the bell rang", "during the long winter",
        "when the lamps were lit", "at ten minutes to nine", "on the last day of the year", "a little after midnight",
    ),
    "weather": (
        "the wind dropped", "it began to rain", "the fog came in from the sea", "the sun broke through",
        "snow lay in the lanes", "thunder rolled behind the hills", "the sky turned the color of slate",
        "frost silvered the grass", "the heat lay on the town like a hand", "a warm wind blew from the south",
        "the clouds moved off to the east", "the light began to fail", "the puddles froze overnight",
        "the leaves came down all at once", "the mist lifted from the water", "rain drummed on the roof",
    ),
    "state": (
        "stood where it had always stood", "lay on the table by the window", "smelled of paint and lamp oil",
        "was worth more than it looked", "had been made by hand", "was lighter than anyone expected",
        "belonged to nobody in particular", "had lost its lid years before", "was tied with blue string",
        "shone a little in the dark", "had survived three moves and a fire", "was not where it should have been",
        "made a soft sound when it was shaken", "had a name scratched on the back", "gave no clue to its owner",
        "needed only a drop of oil", "was still warm to the touch", "looked smaller than it had the day before",
    ),
    "reason": (
        "because the road was flooded", "since nobody else would do it", "though the doctor had advised against it",
        "because a promise is a promise", "although it was almost dark", "while the others argued",
        "since the train was late again", "because the house was too quiet", "though the shop was about to close",
        "while the kettle boiled", "because the weather would not last", "although there was no hurry",
        "as though the matter were settled", "since there was nothing left to say",
        "because it was the only way to be sure", "while the church clock struck eleven",
    ),
    "asked": (
        "Where did you leave the {thing}?", "Who told you that {weather}?", "Have you ever been to {place}?",
        "Is that your {adj} {thing}?", "How long have you been standing in {room}?", "What happened at {place}?",
        "Why did nobody mention the {adj} {thing}?", "Can you be at {place} {when}?", "How many {things} do we need?",
        "Did you hear the {animal}?", "May I borrow the {thing} again?", "Whose {thing} is this?",
    ),
    "stated": (
        "I have looked in {room}, and there is no {thing}", "We could sell the {adj} {thing}",
        "You were right about {place}", "I would rather have {number} {things} than one {adj} {thing}",
        "It was {adj} when I bought it", "Nobody goes to {place} {when}", "The {animal} is in {room} again",
        "My aunt kept a {adj} {thing} in {room}", "I met {title} at {place}",
        "There are {number} {things} in {room}, and not one of them is mine",
        "You can always smell {place} before you see it", "I will bring the {thing} {when}",
        "They are building something behind {place}", "That {thing} has been in the family for {number} years",
    ),
    "answered": (
        "That is not what I heard", "I wish I knew", "Ask me again tomorrow", "You would have to see it",
        "Not as far as I know", "I thought you would never ask", "Everybody knows that", "Then we shall have to wait",
        "Perhaps it is better so", "I forgot to count", "It depends on the tide", "There is time enough",
        "I am almost sure of it", "Only in the winter", "Nobody has complained so far",
        "I would not put it like that", "We can manage without it",
    ),
    "thought": (
        "it would be simple to leave", "the truth was somewhere in the middle", "there had been another way",
        "the house would never feel empty again", "every town had a place like this", "the answer lay in {room}",
        "somebody had moved the {thing}", "{friend} knew more than was said",
        "a {adj} {thing} could not be so important", "{place} had looked larger once",
        "one more day would make no difference", "the {animal} had been right all along",
        "luck was mostly a matter of getting up early", "the {things} had been counted wrong",
        "there was work for {number} people",
    ),
    "number": (
        "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen",
        "twenty", "twenty-four", "thirty", "forty-one", "sixty", "a hundred and two",
    ),
}  # fmt: skip
