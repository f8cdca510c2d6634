"""Ordinary English words of patients' sentences, which are no misspelled names of drugs."""

from typing import Final

_WORDS: Final = """
able about accident across active adult afraid again against age ago alive all allow almost alone
along already also always amount angry animal ankle another answer any appear area arm around
arrive ask asleep away baby back bad bath bathroom beach bear because become bed bedroom bedtime
been before began begin behind being believe belly below beside best better between big bike birth
birthday bite bitten black bleed bleeds blood bloody blue board body bone book both bother bottle
bottom bowel box boy brain break breast breath bright bring broke broken brother brown brush build
bump burn burning burns burnt busy call calm came car care careful carry case catch caught cause
causes center chair chance change chest chew child children choke chose city class clean clear
clinic close closed cloth cloud cold color come comes coming common control cook cool cord corner
cough could count cover crack cry cut cycle daily dark daughter day days dead deal dear death deep
dentist diet different difficult dinner dirty disease dizzy doctor dog done door doubt down drain
dream dress drink drive driver drop drunk dry during dying each early ears earth easy eat eaten
eats edge effect eight elbow empty end enough enter even evening ever every exam except exercise
eyes face fail fall family far farm fast father fear feed feel feels feet fell felt fever few
fight fill find fine finger first fish fishy five flake flat flesh floor flow fluid foam food foot
forget forgot form four fresh friend front frozen full funny game gave general get girl give given
glass goes going gone good gown grass gray great green grew grind group grow gums guts hair half
hand hands happen happy hard hate head heal health hear heard heart heat heavy heel held hello
help helps here high hips hold hole home hope horse hospital hot hour hours house huge hungry
hurry hurt hurts husband ice ill illness infant inside instead itch itchy jaw job joint jump just
keep keeps kept kid kids kill kind kitchen knee knees knew know known lady large last late later
laugh lazy learn least leave left leg legs less level life lift like limb line list listen little
live lives local long look loose lose loss lost lots loud love low lower lump lumps lunch main
male man many march mark matter maybe meal mean meat mess middle might mind minute missed mistake
moment money month months mood more morning most mother mouth move movement much muscle name nap
near neck need nerve never new news next nice night nights nine noise normal nose nothing notice
now number numb nurse obese old older once one only open order other outside over pain painful
pale parent part past patch patient pee people period person phone pick picture piece pillow pink
place plane plant play please point poor possible pound pour pregnant pretty pressure problem
public puff pull purple push quick quiet quit quite rate raw reach read ready real really reason
remember rest rib ribs right ring rise road room rough round rub run running runs said salty same
saw says scale scared school scratch seat second see seem seen seven sex shake sharp sheet shirt
shoe short should shoulder show shower sick side sight since sister sit six size skin sleep sleepy
slept slow small smell smells smelly smile smoke sneeze soft some someone son soon sore sores
sound sour speak special spit spot spots stage stain stand standing start started stay step stick
sticky stiff still stomach stone stood stool stop stops store story strain street stress strong
student study stuck stuff stuffed sudden suddenly summer sun super support sure surgery swallow
sweat sweaty sweet swell swim swollen table talk taste tear tears teen teeth tell ten terrible
test than their them then there these thick thin thing think third thirsty those though thought
three throat through throw thumb tight time times tiny tired toe toes together told tongue tonight
took tooth top touch tough toward town train travel treat tree trial trip trouble true trust try
trying turn twice two type ugly uncle under until upper upset urine use used usual vein very view
vision visit voice wait wake walk wall want wanted warm wash waste watch wave weak wear week weeks
weight well went were wet wets wheel where while white whole wife wild wind window winter wipe
wish woke woman women word work works world worry worse worst would wound wrist write wrong yard
yeah year years yellow yet young your
"""
"""The commonest nouns, verbs and adjectives that are no name of a known substance or brand."""

ORDINARY: Final = frozenset(_WORDS.split())
