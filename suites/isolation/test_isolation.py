"""Is it the language model, the vocoder, or how they were loaded? Stages are exchanged with the reference's."""


def test_no_stage_is_at_fault(soak, variant):
    """Neither language model nor vocoder nor loading is at fault; the message names which is."""
    soak.claim(variant, "isolation")


def test_the_vocoder_decodes_as_the_references_does(soak, variant):
    """All tokens sound as through the reference decoder."""
    soak.claim(variant, "vocoder")


def test_the_language_model_speaks_through_the_reference_decoder(soak, variant):
    """This model's tokens through the reference decoder are bad no more often than the reference's own."""
    soak.claim(variant, "language-model")


def test_the_weights_are_the_references(soak, variant):
    """Every tensor is a quantization of the reference's, and no row of an embedding is zero or odd."""
    soak.claim(variant, "weights")


def test_the_vocoder_alone_gives_what_was_spoken(soak, variant):
    """The variant's own tokens, decoded alone, are what it spoke: the stages are what they are said to be."""
    soak.claim(variant, "stages")


def test_the_references_tokens_are_decoded_alike(soak, variant):
    """The reference's tokens sound as through the reference decoder."""
    soak.claim(variant, "reference-tokens")


def test_silence_is_decoded_alike(soak, variant):
    """The frame that is quietest through the reference decoder, repeated, is as quiet here."""
    soak.claim(variant, "silence")


def test_one_token_is_decoded_alike(soak, variant):
    """One frame repeated sounds as through the reference decoder."""
    soak.claim(variant, "one-token")


def test_random_tokens_are_decoded_alike(soak, variant):
    """Random valid tokens sound as through the reference decoder."""
    soak.claim(variant, "random")


def test_codebooks_in_the_wrong_order_are_decoded_alike(soak, variant):
    """Tokens with their codebooks exchanged come out as wrong as through the reference decoder."""
    soak.claim(variant, "order")


def test_tokens_moved_by_one_are_decoded_alike(soak, variant):
    """Tokens moved by one code come out as wrong as through the reference decoder."""
    soak.claim(variant, "offset")
