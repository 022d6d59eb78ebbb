"""The English half of the lexicon: written for this project, by strength. Phrases stand between commas.

A word stands for its inflections too (love, loved, loves), by its stem, unless one of them is listed itself.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "BOOSTERS",
    "CONCESSIONS",
    "CONTRASTS",
    "EXCESSIVE",
    "EXPECTED",
    "FILLERS",
    "HYPOTHETICAL",
    "NEGATING_PHRASES",
    "NEGATORS",
    "PHRASES",
    "POLAR",
    "TOO",
    "TRAILING_BOOSTERS",
]

POLAR: Final[dict[float, str]] = {
    3.0: """
        amazing awesome excellent fantastic outstanding perfect perfectly perfection superb wonderful phenomenal
        incredible flawless exceptional magnificent marvellous marvelous stunning brilliant fabulous terrific
        unbeatable""",
    2.4: """
        love adore gorgeous delicious delightful thrilled impressed impressive splendid best great delighted stellar
        spectacular exquisite yummy ecstatic""",
    1.8: """
        good nice happy pleased satisfied satisfying beautiful lovely enjoy enjoyable recommend recommended
        recommendable fun comfortable comfy sturdy reliable durable elegant superior tasty friendly helpful polite
        courteous pleasant favorite favourite glad pleasure charming adorable cute joy praise winner bargain worth
        worthwhile worthy genuine flavorful flavourful effortless bliss premium""",
    1.3: """
        like well fine fast quick quickly prompt promptly easy easily smooth smoothly clean neat crisp clear soft
        cozy cosy warm light lightweight handy useful practical convenient efficient effective affordable cheap
        cheaper inexpensive reasonable reasonably value solid strong stylish attractive pretty fresh quiet safe
        secure stable accurate correct responsive professional attentive knowledgeable thank thanks grateful
        appreciate cool sweet better improved improvement bright vivid rich generous spacious fits flattering
        authentic honest trustworthy relax relaxing win plus wow yay stunned punctual works succeed success positive
        pro pros""",
    0.7: "ok okay decent acceptable adequate alright interesting nicely hope",
    0.0: "likely alike unlike wellness goods kindly clearly quality lovers beloved fitness freshly rightly",
    -0.6: """
        average mediocre meh so-so ordinary plain basic bland pricey odd unsure hesitate hesitant concern concerned""",
    -1.3: """
        bad problem problems issue issues expensive overpriced slow slowly late delay delayed delays lack lacks
        lacking weak difficult hard uncomfortable noisy loud dirty messy confusing confused complicated annoying
        annoyed annoyance unfortunately sadly unhappy sad boring bored dull missing lost loose flaw flaws flawed
        defect fault faults faulty complain complaint complaints return returned refund refunded wrong incorrect
        inaccurate mistake error errors fail fails worse negative con cons stiff scratch scratched scratchy stain
        stained smell smells smelly leak leaks leaking stale sticky heavy-handed inconvenient unpleasant
        unattractive ugly hassle trouble troubles troublesome struggle wrinkled shrink shrinks shrank fade fades
        faded pilling itchy glitch glitchy lag laggy laggier freeze freezes crash crashes overheats overheating dent
        dented bent wobbly wobble damage misleading inferior regretful unclear inconsistent tear tears tore ripped
        rip cracked crack cracks peeling peeled rust rusty rusted dead cold dislike frustrating frustrated
        frustration unreliable uneven mismatch incomplete lousy subpar poorly poor""",
    -2.0: """
        disappoint disappointed disappointing disappointment disappoints disappointingly broken broke breaks damaged
        defective regret regrets regretted useless flimsy cheaply junky rude unhelpful unprofessional ignored hate
        hated nasty gross disgusting angry upset avoid unacceptable unusable unsafe dangerous fake counterfeit lie
        lied lies liar cheat cheated deceived deceptive dishonest ruin ruined ruins mess disaster inedible rotten
        moldy mouldy rancid stinks stink sucks sucked suck crap crappy rubbish tacky shoddy waste wasted ridiculous
        nightmare horrid untrustworthy malfunction malfunctioned malfunctioning unresponsive""",
    -3.0: """
        terrible horrible awful worst garbage trash scam scammed scammer fraud fraudulent worthless pathetic
        atrocious abysmal appalling dreadful disgrace ripoff rip-off junk lemon""",
}  # fmt: skip
PHRASES: Final[dict[float, str]] = {
    3.0: """
        five stars, 5 stars, second to none, couldn't be happier, could not be happier, couldn't be better,
        could not be better, can't recommend enough, cannot recommend enough, can not recommend enough,
        couldn't be more pleased, above and beyond, exceeded my expectations, exceeds expectations,
        exceeded expectations, exceeded our expectations, couldn't ask for a better, couldn't ask for more,
        could not ask for more, can't fault, hard to fault, hard to find fault, couldn't fault, must have, must buy,
        top notch, first class, blown away, can't get enough, better than ever""",
    2.0: """
        can't complain, cannot complain, can't go wrong, cannot go wrong, can't beat, hard to beat, as described,
        as advertised, as expected, works great, works well, works like a charm, like a charm, buy again,
        order again, come back, shop here again, never looked back, good value, great value, value for money,
        worth every penny, worth the money, worth it, well made, well built, well packed, well packaged, on time,
        money well spent, better than expected, better than i expected, easy to use, thumbs up, four stars, 4 stars,
        well done, nothing to complain about, no brainer, game changer, looks like new, brand new, highly recommend""",
    0.0: """
        no doubt, without a doubt, without doubt, not only, not just, not to mention, no matter, no longer than,
        no sooner, nothing but, why not, if not, would like, feel like, felt like, looks like, look like,
        looked like, sounds like, seems like, seem like, just like, something like, tastes like, kind of like,
        well known, as well, as well as, oh well, good luck, how good, hard drive, light bulb, fine print,
        return policy, cool down, at best, for good, pretty much, goes well with, best seller, best buy, thank god,
        hard case, cold water, cold brew, cold weather, warm water, problem solver, light blue, light green,
        light brown, light grey, light gray, bright side, rich text, strong coffee, no wonder, could not wait,
        couldn't wait, can't wait, cannot wait, in return, trouble shooting, quick question, supposed to be good,
        as good as it gets, first class mail, hair loss, never mind, late night, sweet potato""",
    -1.3: """
        could be better, could have been better, should be better, should have been better, could use some,
        nothing special, not impressed, not the best, not a fan, not for me, at your own risk, so so, hit or miss,
        meh at best, three stars, too much, too many, leaves a lot to be desired, left a lot to be desired,
        used to be good, used to be, not as described, not as advertised, not as expected, not as pictured,
        not like the picture, nothing like, did nothing, does nothing, no one answers, no answer, no response,
        no reply, no use, of no use, would have been nice, would be nice if, would be better if,
        would have been better, would be great if""",
    -2.2: """
        stay away, don't buy, do not buy, don't waste, do not waste, waste of money, waste of time, save your money,
        save your time, look elsewhere, shop elsewhere, buy elsewhere, want my money back, money back, never again,
        no good, falls apart, fell apart, fall apart, falling apart, stopped working, stop working, quit working,
        does not work, doesn't work, did not work, didn't work, doesnt work, didnt work, not working, won't work,
        will not work, no longer works, never worked, never works, does not last, doesn't last, didn't last,
        did not last, not worth it, not worth the money, not worth, one star, 1 star, zero stars, two stars, 2 stars,
        thumbs down, let down, lets you down, let me down, let us down, let you down, ripped off, rip off,
        never arrived, never received, never came, sent it back, send it back, sending it back, went back,
        poor quality, low quality, bad quality, cheap quality, cheaply made, poorly made, cheap looking, looks cheap,
        look cheap, feels cheap, feel cheap, felt cheap, too bad, worn out, wears out, wore out, gave up, give up,
        threw it away, throw it away, threw it out, in the trash, in the bin, goes straight to the bin,
        not recommend""",
}  # fmt: skip
NEGATORS: Final = """
    not no never none nobody nothing nowhere neither nor without hardly barely scarcely rarely seldom cannot cant
    dont doesnt didnt isnt wasnt arent werent wont wouldnt couldnt shouldnt hasnt havent hadnt aint zero free-of
    lest minus"""
BOOSTERS: Final[dict[float, str]] = {
    1.5: """
        extremely absolutely incredibly super insanely totally completely utterly exceptionally highly amazingly
        awfully terribly ridiculously most beyond hugely thoroughly""",
    1.3: """
        very really so too truly such definitely certainly quite particularly especially seriously much always even
        more remarkably fully entirely simply exactly what greatly deeply""",
    1.1: "pretty rather fairly still just",
    0.7: "somewhat slightly bit little kinda sorta partly mildly almost relatively mostly sometimes",
}
NEGATING_PHRASES: Final = (
    "anything but, far from, nowhere near, not even close to, free of, free from, less than, never buying"
)
TRAILING_BOOSTERS: Final = "at all, whatsoever, indeed, ever, in the least, by any means, in any way"
TOO: Final = "too bit slightly little overly somewhat rather"
EXCESSIVE: Final = """
    small big large tight loose short long thin thick heavy light hard soft bright dark sweet salty spicy sour bulky
    wide narrow high low hot cold complicated strong rich quiet basic plain clean cheap"""
# Good only in that it is bad where they are missing: no support.
EXPECTED: Final = """
    quality support help response reply replied instructions warranty taste flavor flavour bass padding"""
CONTRASTS: Final = "but however yet except unfortunately nevertheless nonetheless only"
CONCESSIONS: Final = "although though despite while whilst even-though granted"
HYPOTHETICAL: Final = "wish hoped expected supposed if-only should hoping expecting"
FILLERS: Final = """
    a an the is are was were be been being it its it's this that these those i we they you he she my our your to of
    as at in on for with have has had any do does did done and think feel find found seem seems look looks would
    will can could get got that's me us them had really very so all say call called consider considered exactly
    particularly there one single"""
