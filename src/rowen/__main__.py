"""`python -m rowen`."""

from rowen.cli.main import main

if __name__ == "__main__":
    main()
