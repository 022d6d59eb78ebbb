"""`python -m profilestore`: the same as the console script."""

from profilestore.cli import main

if __name__ == "__main__":
    main()
