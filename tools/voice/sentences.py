"""Held-out texts of the evaluation, written for this project: never in the training text."""

from __future__ import annotations

SENTENCES = (
    "The ferry left the harbor an hour before the rain began.",
    "She kept the letters in a tin box under the stairs.",
    "A thin line of smoke rose from the chimney of the mill.",
    "Nobody had told him that the bridge was closed for the winter.",
    "The baker opened his shop while the street was still dark.",
    "We carried the boat over the sand and pushed it into the river.",
    "His brother wrote that the harvest had been poor this year.",
    "The clock in the tower was slow, and everyone in town knew it.",
    "Put the lamp on the table and close the window, please.",
    "They walked for two days without meeting another person.",
    "The teacher asked the girl to read the last page again.",
    "An old dog was sleeping in front of the open door.",
    "He counted the coins twice before he gave them to the driver.",
    "The garden behind the house was full of apple trees.",
    "I have never seen the lake so quiet in the morning.",
    "When the music stopped, the dancers went back to their chairs.",
    "The doctor said that she would be well before the spring.",
    "Three men were waiting for us at the end of the road.",
    "The paper was yellow and the ink had almost faded.",
    "You can leave your coat in the hall and come upstairs.",
    "The soldiers crossed the field and vanished into the trees.",
    "My grandmother used to tell us stories about the sea.",
    "The train was late again, so we sat and talked about home.",
    "It was the first warm day, and the children ran barefoot.",
)
PASSAGES = (
    "The old house stood at the end of the lane, where the road turned toward the hills. In the winter nobody "
    "came that way, and the snow lay on the steps until the sun took it. My uncle lived there alone with a "
    "black cat and more books than he could count.",
    "At noon the captain called the men together and told them that there was water for six days. Nobody "
    "spoke. The wind had died on Tuesday, and since then the ship had hardly moved. He ordered them to rest in "
    "the shade and to fish in the evening.",
    "When the letter came, she did not open it at once. She put it on the table beside the bread, washed her "
    "hands, and sat down. Outside the boys were throwing stones into the pond, and their voices sounded far "
    "away. Then she took a knife and cut the paper.",
    "We learned to read the weather from the color of the mountains. If they looked near and blue, there would "
    "be rain before night. If they were pale and far, the day would be dry, and my father would send us to "
    "turn the hay in the lower field.",
    "The museum has only four rooms, and most visitors see them in less than an hour. The second room is the "
    "one to stay in. There, behind glass, lies the map that the two brothers drew by hand while they crossed "
    "the desert, with every well marked in red.",
    "It takes a long time to build a good wall. The stones have to be sorted by size, the ground has to be "
    "made level, and each course must lean a little toward the hill. People who hurry build twice, as the "
    "mason liked to say when he saw us running.",
)
SHORT = ("No, never.", "Yes.", "Stop!", "Chapter one.", "Good morning.", "Perhaps.", "Who is there?", "Well, well.")
