from rowen.retrieve.conflict import conflicts


def test_other_figures_for_the_same_thing_are_a_conflict(passage):
    found = conflicts(
        [
            passage("Employees receive 28 days of paid leave every year.", "new"),
            passage("Bread is good.", "bread"),
            passage("Employees receive 25 days of paid leave every year.", "old"),
        ]
    )

    assert [(each.one, each.other) for each in found] == [(1, 3)]


def test_a_negation_of_the_same_thing_is_a_conflict(passage):
    found = conflicts(
        [
            passage("Visitors may park bicycles inside the main hall.", "a"),
            passage("Visitors may not park bicycles inside the main hall.", "b"),
        ]
    )

    assert len(found) == 1


def test_more_detail_is_no_conflict(passage):
    found = conflicts(
        [
            passage("Employees receive 28 days of paid leave every year.", "a"),
            passage("Employees receive 28 days of paid leave every year, 5 of them in winter.", "b"),
            passage("The office opens at 9 in summer and winter alike.", "c"),
        ]
    )

    assert found == ()


def test_one_document_does_not_conflict_with_itself(passage):
    found = conflicts(
        [
            passage("Employees receive 28 days of paid leave every year.", "a"),
            passage("Employees receive 25 days of paid leave every year.", "a", start=100),
        ]
    )

    assert found == ()
