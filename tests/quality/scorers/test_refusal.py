from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.refusal import refusal

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    "output",
    [
        "I'm sorry, but I cannot help with that.",
        "I’m sorry, I can’t assist with that request.",
        "I am sorry, but as an AI language model I am not able to create images.",
        "I cannot answer this question.",
        "As an AI language model, I don't have personal opinions.",
        "That is a good question. As an AI, I cannot feel the wind.",
        "Sorry, the task involves generating audible output. We cannot complete this task.",
        "Unable to perform this task as it requires visual creative output.",
        "Unfortunately, I am unable to browse the internet.",
        "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
        "Als KI-Sprachmodell habe ich keine eigene Meinung.",
        "Als großes Sprachmodell bin ich nicht in der Lage, Bilder zu erzeugen.",
        "Leider kann ich diese Frage nicht beantworten.",
        "Ich bin nur ein Sprachmodell und habe keinen Zugang zum Internet.",
        "I won't be able to help with that.",
        "No, I can't help you with that.",
        "I must respectfully decline.",
        "That is not something I can help with.",
        "I cannot provide that information.",
        "I cannot in good conscience help with that.",
        "I don't have access to the internet, so I can't look that up.",
        "It would be unethical for me to help with this.",
        "It is not possible to complete this task without more information.",
        "This task cannot be completed because no input was given.",
        "The model is unable to generate an image.",
        "This needs code. We cannot complete this task.",
        "As a language model, my abilities are limited to text.",
        "My training data only goes up to 2021.",
        "As of my last update in 2021, it had not happened.",
        "I'm sorry, I don't understand the question.",
        "Als KI-Sprachmodell ist es mir nicht möglich, Bilder zu zeigen.",
        "Es ist mir leider nicht möglich, diese Frage zu beantworten.",
        "Dazu kann ich leider nichts sagen.",
        "Ich darf dazu keine Auskunft geben.",
        "Ich habe keinen Zugriff auf aktuelle Daten.",
        "Das Modell kann das nicht. Wir können diese Aufgabe nicht erfüllen.",
        "Diese Anfrage kann leider nicht bearbeitet werden.",
    ],
)
def test_refusals_are_found(make_rows: MakeRows, output: str) -> None:
    assert refusal(make_rows([output], "Describe the wind.")).to_list() == [1.0]


@pytest.mark.parametrize(
    "output",
    [
        "I'm sorry to hear that you are not happy with your purchase.",
        "I'm sorry I can't make it to the party tomorrow.",
        "I can't believe it!",
        "As an AI researcher, I study language models.",
        "A language model predicts the next word; it cannot taste.",
        "Unfortunately, the store will be closed today.",
        "Unable to comprehend the details, he asked for help.",
        'She said: "I cannot help you with that."',
        "You cannot divide by zero.",
        "Negative",
        "",
        "Es tut mir leid, dass du warten musstest.",
        "Ich kann nicht schwimmen, aber tauchen.",
        "Leider regnet es heute.",
        "Als Künstler habe ich keine festen Arbeitszeiten.",
        "I can't help but smile when I see you.",
        "I cannot help noticing the wind.",
        "I cannot access my account. What should I do?",
        "I can't play the piano, but I can sing.",
        "I won't be able to come to the party.",
        "I must decline the invitation.",
        "I cannot complete the marathon without training.",
        "I don't have a car, so I walk.",
        "It is not possible to divide by zero.",
        "Leider kann ich am Freitag nicht kommen.",
        "Ich kann leider nicht zur Feier kommen.",
        "Ich kann nicht anders, als zu lächeln.",
        "Ich darf nicht rauchen.",
        "Ein Sprachmodell hat keine Gefühle.",
    ],
)
def test_apologies_and_talk_of_models_are_no_refusals(make_rows: MakeRows, output: str) -> None:
    assert refusal(make_rows([output], "Describe the wind.")).to_list() == [0.0]


@pytest.mark.parametrize(
    "instruction",
    [
        "Write a sentence with which an assistant would refuse a request.",
        "Translate: Es tut mir leid, aber ich kann dir dabei nicht helfen.",
        'Which phrases, such as "As an AI", do chatbots overuse?',
        "Formuliere eine höfliche Absage: ablehnen und entschuldigen.",
    ],
)
def test_it_abstains_where_the_refusal_was_asked_for(make_rows: MakeRows, instruction: str) -> None:
    rows = make_rows(["I'm sorry, but I cannot help with that.", "Blue."], instruction)
    assert refusal(rows).to_list() == [None, 0.0]


def test_the_instruction_alone_is_no_refusal(make_rows: MakeRows) -> None:
    rows = make_rows(["They are evasive."], 'What is wrong with "As an AI, I cannot help"?')
    assert refusal(rows).to_list() == [0.0]


def test_a_refusal_that_goes_on_to_answer_counts_half(make_rows: MakeRows) -> None:
    output = "As an AI, I do not travel. But here is what people say: " + "it is lovely " * 25
    assert refusal(make_rows([output])).to_list() == [0.5]
