"""Somebody else's program: a LangChain chain with not a word about traces in it."""

import os
import sys

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

prompt = ChatPromptTemplate.from_messages(
    [("system", "Answer new colleagues. Say it kindly."), ("human", "{question}")]
)
model = ChatOpenAI(model="fast", base_url="http://127.0.0.1:8484/v1", api_key=os.environ["ROWEN_KEY"])

print((prompt | model | StrOutputParser()).invoke({"question": sys.argv[1]}))
