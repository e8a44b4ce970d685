"""Words that are names of people and places, and also words of any note: "White", "Long", "Will", "Reading".

As a name they are told only by what stands beside them. A list made by hand: surnames that are English words, eponyms
of diseases, parts of names, and what stands in fields for names without being one.
"""

_WORDS = """
    ache active addison admin ali alzheimer and anesthesia anonymous apartment april arm art assistant associate
    attending august autumn avenue baby back baker ball barrett bath beard bed bell belly berry bill bin bird
    bishop black bladder bland blood blue blunt bold bond bone bones book bowel bowl box boy brace brain breast
    bridge bright brook brother brown brush bs burn burns bush butt cable camp canal cancer cane cardiology care
    case cash center centre chance chase chest child chill chin church city clay clinic clinical clinician close
    coffee cold consultant cook cool cord cotton cough county crane crohn cross cushing cutter da dale daughter
    dawn day de del della den department der di disk dnp do doctor doe dos dose down drain drake drew drinkwater
    drive drop dry du ear early east el emergency eye eyes face fair faith fall falls family fasting father feet
    fellow female field fields fine finger firm fish flood floor flowers foot ford forest fox frail frank frcp
    frcs free frost fry fuller gait game gates gene general gilbert girl glass gold good grace graft grant
    graves gray green grey guy hall hammer hand hands hard hardy hay hazard head heal health heart heavy heel
    high hill hip hodgkin home hook hope hospital hot house hunt husband hyde ibn infant inpatient intern jack
    joint joy jr june kaposi keen key kid kidney king knee knight la laboratory lake lamb lance lane large las
    late law le leak leg lemon light limb lip little liver lock long los loud love low lump lung male march mark
    marsh marshall mason may md meadow meals mean medical medicine miles mills mint missing mobile moody moon
    moss mother mouth ms msc na nail neck needle nerve neurology new newborn nice nick night nil noble none
    north nose np null nurse nursing oakes of offer office old oncology orange order other outpatient pa pack
    page pain pale palm park parkinson parks pat patience patient patty payne peak pediatrics pending penny
    pepper pharmacist pharmacy pharmd phd physician pike pill pitt plain plate pool poor pope post potts power
    powers practice practitioner pretty price primary private professor provider psychiatry pulse queen quick
    radiology rain rapid rash ray raynaud reading reed registrar removed resident rest rice rich rise river
    rivers rn roach road rob rod root rose salt sands savage scales scar self service services sharp sharpe
    shell shin shock shore short shot sickman side silver single sister skin sleep slow small smart snow soft
    sour south specialist speed spine spleen split spot spring square sr staff stamp star steel stent stern
    still stone stool storm stout strain street strength stroke strong sue suite summer surgeon surgery surgical
    sweet swell system tab tablet tall tank tape team technician temple ten tender ter test tests the therapist
    therapy thick thin throat thumb toe tongue tooth tough town train training tube tubes turner twin
    unavailable union unit unknown urgent user van vein victor village virus vom von wade waist walk wall walls
    ward wards warm wash water waters way weak weeks well wells west wet white wife wild will wilson wine wing
    winter wise wolf wood woods word work worth wound wrist young zu zum zur
"""
ORDINARY = frozenset(_WORDS.split())
