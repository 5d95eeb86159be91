"""The example: the ninth hearing of March 2021, its look-back and its evaluation meeting.

Places and figures are those of the published report on the ninth hearing; names and speeches are
invented. What happened to it, event by event, is in `session9_story`.
"""

from __future__ import annotations

from datetime import date

from hearings.demo.people import DEPARTMENT_LOGINS
from hearings.demo.people import EXAMPLE_DEPUTIES as DEPUTY
from hearings.demo.shapes import (
    Ballot,
    Commitment,
    Exchange,
    Hearing,
    Issue,
    Participant,
    Topic,
    at,
)

ISSUED = 18
"""one ballot box for 8 deputies and 10 residents"""

TOPICS = (
    Topic(
        "s9-vaccine",
        "关于加快疫苗接种和安全性宣传的建议",
        "代表建议",
        date(2021, 2, 26),
        ("health", "xinqi", "xiapu"),
        "新碶",
        "老年居民对接种点位、接种禁忌和排队时段不清楚，盼由部门公布并逐村逐社区讲明白。",
    ),
    Topic(
        "s9-school",
        "改造校门口设施，建设“儿童友好型学校”",
        "代表走访",
        date(2021, 3, 1),
        ("education", "traffic_police", "housing"),
        "新碶",
        "放学时段人车混行，家长雨天无处等候。",
    ),
    Topic(
        "s9-bridge",
        "高速公路、铁路桥下环境综合整治",
        "代表走访",
        date(2021, 3, 2),
        ("transport", "enforcement", "xiapu"),
        "霞浦",
        "霞浦铁路桥下长期堆物，夜间无灯。",
    ),
    Topic(
        "s9-lanes",
        "郭巨古城弄堂积水与石板路修缮",
        "联络站意见箱",
        date(2021, 3, 4),
        ("guoju", "housing", "heritage"),
        "郭巨",
        "雨后积水难退，老石板松动，老人出行不便。",
    ),
    Topic(
        "s9-meals",
        "社区助餐点晚餐供应",
        "选民接待日",
        date(2021, 3, 8),
        ("civil", "xinqi"),
        "新碶",
        "助餐点只供午餐，独居老人晚餐难。",
    ),
    Topic(
        "s9-bus",
        "开发区末班公交延时",
        "代表码留言",
        date(2021, 3, 9),
        ("transport", "bus"),
        "新碶",
        "中班职工下班赶不上末班车。",
    ),
)

ISSUES = (
    Issue(
        position=1,
        category="医疗卫生",
        street="新碶",
        place="新碶、霞浦各村社区",
        raised_by=DEPUTY["甲"],
        co_signers=(DEPUTY["庚"],),
        topic="s9-vaccine",
        statement=(
            "这段时间走访，老年人问得最多的就是新冠疫苗：在哪里打、要不要钱、有高血压能不能打、打了以后会不会有反应。"
            "不少老人听邻居一句话就打消了念头，也有人一大早赶到接种点，排了两个多小时才轮上。"
            "我提出《加快疫苗接种和安全性宣传的建议》，盼望部门把接种点、时段和注意事项一次讲清楚，让老人少跑路、打得放心。"
        ),
        exchanges=(
            Exchange(
                "question",
                "请问区卫健局：全区现在有几处接种点，每天能打多少针，什么时段排队的人少？有慢性病的老人由谁来判断能不能打？"
                "村、社区的宣讲准备什么时候做完，能不能做到一户不漏？",
                speaker=DEPUTY["甲"],
            ),
            Exchange(
                "answer",
                "全区接种点的地址、开放时间和咨询方式今晚现场发给大家，工作日下午两点到四点人最少，请老人错开早高峰。"
                "接种前由医生问诊，慢性病稳定期可以接种，不适宜的当场告知并登记。疫苗安全性的数据我们整理成一页纸，请代表帮助转达。",
                department="health",
                speaker=DEPARTMENT_LOGINS["health"],
            ),
            Exchange(
                "follow_up",
                "一页纸很好，但很多老人不识字、不看手机，还是要有人上门讲。另外现有的接种点离村里远，公交要转一趟，"
                "能不能把接种点设到家门口，哪怕一周开两天也好？请给一个明确的日子。",
                speaker=DEPUTY["庚"],
            ),
            Exchange(
                "answer",
                "接受代表意见。4月9日前，我们会同新碶、霞浦两个街道办事处组织家庭医生和网格员逐村逐社区宣讲，做到全覆盖；"
                "4月30日前在人口集中的村社、企业和园区增设临时接种点，清单向社会公布，行动不便的老人由街道安排接送。",
                department="health",
                speaker=DEPARTMENT_LOGINS["health"],
            ),
        ),
        outcome="time_limited",
        lead="health",
        co=("xinqi", "xiapu"),
        commitments=(
            Commitment("村、社区疫苗安全性宣讲全覆盖", date(2021, 4, 9), "health", ("xinqi", "xiapu")),
            Commitment("增设临时接种点并公布清单", date(2021, 4, 30), "health", ("xinqi", "xiapu")),
        ),
        ballot=Ballot(ISSUED, 16, 2, 0, 0),
    ),
    Issue(
        position=2,
        category="教育",
        street="新碶",
        place="新碶街道某小学门口",
        raised_by=DEPUTY["乙"],
        topic="s9-school",
        statement=(
            "新碶街道这所小学门前是一条七八米宽的老路，下午放学二十分钟里，接送的电动车、私家车和出校门的孩子挤在一起，"
            "我站在那里数过，一次要过三百多辆车。下雨天家长没有地方躲，孩子撑着伞从车缝里钻出来，看着实在揪心。"
            "家长们都说，学校办得好，校门口也要跟得上，盼着建成一所“儿童友好”的学校。"
        ),
        exchanges=(
            Exchange(
                "question",
                "请问区教育局：放学时段能不能分年级错开？校门口的护学通道由谁来划、什么时候划？"
                "家长盼了两年的等候区到底有没有列进今年的改造计划，钱和地落实了没有？",
                speaker=DEPUTY["乙"],
            ),
            Exchange(
                "answer",
                "代表反映的情况属实。我们和区交警部门已经看过现场，4月20日前在校门两侧划出护学通道，一、二年级提前十五分钟放学，"
                "其余年级分两批。等候区拟退让学校围墙三米建设，方案由区住建局配合，利用暑假施工，8月31日前建成。",
                department="education",
                speaker=DEPARTMENT_LOGINS["education"],
            ),
            Exchange(
                "follow_up",
                "护学通道划了线，没有人管还是会被占。开学以后那几天人最多，是不是请交警和学校一起值守，"
                "把家长志愿者也组织起来？等候区要有顶棚、有座椅，别只铺一块水泥地。",
                speaker=DEPUTY["乙"],
            ),
            Exchange(
                "answer",
                "可以明确：划线以后由交警、学校和家长志愿者三方轮值，轮值表贴在校门口。等候区按“儿童友好”的要求设计，"
                "设雨棚、座椅和低位照明，方案先请代表和家长提意见，再动工。",
                department="education",
                speaker=DEPARTMENT_LOGINS["education"],
            ),
        ),
        outcome="time_limited",
        lead="education",
        co=("traffic_police", "housing"),
        commitments=(
            Commitment("划定护学通道，实行错峰放学", date(2021, 4, 20), "education", ("traffic_police",)),
            Commitment("建成接送等候区", date(2021, 8, 31), "education", ("housing",)),
        ),
        ballot=Ballot(ISSUED, 12, 5, 1, 0),
    ),
    Issue(
        position=3,
        category="城市管理",
        street="霞浦",
        place="霞浦铁路桥下",
        raised_by=DEPUTY["丙"],
        topic="s9-bridge",
        statement=(
            "霞浦铁路桥下这块地方没有明确的管理单位，几年下来堆满了旧家具、建筑余料和废轮胎，桥墩边还停着两辆没有牌照的三轮车。"
            "晚上一盏灯都没有，下夜班的女工要结伴才敢走。去年夏天还烧过一次，幸好发现得早。"
            "高速公路、铁路桥下的空间不能成了没人管的角落，请有关部门一次理清。"
        ),
        exchanges=(
            Exchange(
                "question",
                "请问区交通运输局：桥下这块地到底归谁管？堆物什么时候清掉，清完以后怎么保证不再堆起来？"
                "照明的电从哪里接、钱由谁出，请一并说明。",
                speaker=DEPUTY["丙"],
            ),
            Exchange(
                "answer",
                "桥下用地属铁路保护区和公路用地交叉地段，过去确有推诿，今天由我局牵头认领。4月16日前会同区综合行政执法局、"
                "霞浦街道办事处清理完毕；照明从道路路灯回路引接，6月30日前装好，并移交街道落实日常管护单位。",
                department="transport",
                speaker=DEPARTMENT_LOGINS["transport"],
            ),
            Exchange(
                "follow_up",
                "清理不难，难在守住。桥下两头能不能装上限高栏和监控，再竖一块牌子写明管护单位和电话？"
                "附近厂里的工人都愿意帮着看，只是不知道该打给谁。",
                speaker=DEPUTY["丙"],
            ),
            Exchange(
                "answer",
                "同意。桥洞两端设车止石和管护公示牌，写明单位、责任人和值班电话，街道网格员每周巡查一次，"
                "发现新堆物由区综合行政执法局当日处置，巡查记录每月报我局备查。",
                department="enforcement",
                speaker=DEPARTMENT_LOGINS["enforcement"],
            ),
        ),
        outcome="time_limited",
        lead="transport",
        co=("enforcement", "xiapu"),
        commitments=(
            Commitment("完成桥下空间清理", date(2021, 4, 16), "transport", ("enforcement", "xiapu")),
            Commitment("完成照明安装并移交管护单位", date(2021, 6, 30), "transport", ("enforcement", "xiapu")),
        ),
        ballot=Ballot(ISSUED, 10, 6, 2, 0),
    ),
    Issue(
        position=4,
        category="文物保护与老街修缮",
        street="郭巨",
        place="郭巨古城弄堂",
        raised_by=DEPUTY["丁"],
        co_signers=(DEPUTY["辛"],),
        topic="s9-lanes",
        statement=(
            "郭巨古城的弄堂是几百年传下来的，石板路下面的老水沟多年没有清过，一场大雨下来，弄堂里的水要两天才退。"
            "好几块石板已经松了，人一踩就翘，去年冬天有位八十多岁的阿婆在这里跌伤了腿。"
            "老百姓舍不得这些石板，只盼着修得稳当、排水通畅，古城的样子不要变。"
        ),
        exchanges=(
            Exchange(
                "question",
                "请问郭巨街道办事处：老水沟今年汛期之前能不能先疏通一遍？石板路的整修有没有方案，"
                "涉及文物的地段由谁来把关，资金准备怎么安排？",
                speaker=DEPUTY["丁"],
            ),
            Exchange(
                "answer",
                "街道4月20日前完成弄堂排水沟清淤，松动最严重的石板先作临时加固。整修涉及古城风貌，须请文保部门和区住建局共同定方案，"
                "6月30日前拿出改造方案，12月31日前实施第一段，其余列入明年计划。",
                department="guoju",
                speaker=DEPARTMENT_LOGINS["guoju"],
            ),
            Exchange(
                "follow_up",
                "方案一定要听住在弄堂里的人的意见，哪里积水、哪块石板松，他们最清楚。旧石板能用的尽量用，"
                "不要换成机器切的新板。第一段做哪里，请先公示。",
                speaker=DEPUTY["辛"],
            ),
            Exchange(
                "answer",
                "方案形成前在古城召开居民议事会，文保专家到场。原有石板逐块编号、原位复铺，缺损的用同料补配；"
                "第一段拟从南门内弄堂做起，施工前公示七天。",
                department="guoju",
                speaker=DEPARTMENT_LOGINS["guoju"],
            ),
        ),
        outcome="planned",
        lead="guoju",
        co=("housing", "heritage"),
        commitments=(
            Commitment("弄堂排水沟清淤", date(2021, 4, 20), "guoju", ("housing",)),
            Commitment("编制弄堂改造方案", date(2021, 6, 30), "guoju", ("housing", "heritage")),
            Commitment("实施第一段改造", date(2021, 12, 31), "guoju", ("housing", "heritage")),
        ),
        ballot=Ballot(ISSUED, 8, 8, 2, 0),
    ),
    Issue(
        position=5,
        category="养老服务",
        street="新碶",
        place="新碶街道社区助餐点",
        raised_by=DEPUTY["戊"],
        resident="陈（星河社区）",
        topic="s9-meals",
        statement=(
            "我替社区里一位姓陈的居民说几句。她今年七十九岁，一个人住，中午在社区助餐点吃，八元钱一荤两素，很满意。"
            "可是助餐点只供午餐，晚上她就把中午剩下的热一热，或者吃点饼干。像她这样的独居老人，我们社区有三十多位。"
            "老人们不图吃得多好，只盼晚上也有一口热的。"
        ),
        exchanges=(
            Exchange(
                "question",
                "请问区民政局：助餐点为什么不能供应晚餐？是没有人手，还是没有经费？"
                "能不能先挑几个独居老人多的社区试起来，腿脚不便的送到家里？",
                speaker=DEPUTY["戊"],
            ),
            Exchange(
                "answer",
                "助餐点由第三方运营，晚餐人数少、成本高，目前没有专项补助。老人晚餐的实际需求有多少，我们手上也还没有准确的数字。"
                "我们的意见是先把情况摸清楚，再研究怎么做。",
                department="civil",
                speaker=DEPARTMENT_LOGINS["civil"],
            ),
            Exchange(
                "follow_up",
                "摸底要摸多久，研究到什么时候，今天一个日子都没有。三十多位老人每天都要吃晚饭，等不起。"
                "请局里带着办法再来答复一次，哪怕先试一处也行。",
                speaker=DEPUTY["戊"],
            ),
        ),
        outcome="further_study",
        lead="civil",
        co=("xinqi",),
        ballot=Ballot(ISSUED, 4, 4, 10, 0),
    ),
    Issue(
        position=6,
        category="公共交通",
        street="新碶",
        place="开发区公交线路",
        raised_by=DEPUTY["己"],
        topic="s9-bus",
        statement=(
            "开发区不少企业实行两班制，中班职工晚上十点半下班，可是公交末班车九点半就收了。"
            "打一次车要三十多元，差不多是一个小时的工钱，很多年轻人只好骑电动车走十几公里夜路。"
            "职工托我问一问，能不能把途经开发区的末班公交延到晚上11点，哪怕每小时只有一班。"
        ),
        exchanges=(
            Exchange(
                "question",
                "请问区交通运输局：末班车延到23点有没有可能？如果一时做不到，能不能先做一次客流调查，"
                "把多少人要坐、从哪里到哪里摸清楚，再给职工一个明白的说法？",
                speaker=DEPUTY["己"],
            ),
            Exchange(
                "answer",
                "延时涉及驾驶员排班和运营补贴，今晚不敢轻易答应。我局会同公交企业对开发区四条线路做夜间客流调查，"
                "4月30日前把调查结果和能不能延的结论书面反馈给代表。",
                department="transport",
                speaker=DEPARTMENT_LOGINS["transport"],
            ),
            Exchange(
                "follow_up",
                "调查请到厂里去做，中班下班的那一刻在厂门口数人最准，光看现在末班车上有几个人是看不出来的。"
                "结论不管是行还是不行，都请把数字一起告诉我们。",
                speaker=DEPUTY["己"],
            ),
        ),
        outcome="further_study",
        answer_by=date(2021, 4, 30),
        lead="transport",
        co=("bus",),
        commitments=(Commitment("书面反馈末班车客流调查结果", date(2021, 4, 30), "transport", ("bus",)),),
        ballot=Ballot(ISSUED, 6, 7, 4, 1),
    ),
    Issue(
        position=7,
        category="法律事务",
        street="霞浦",
        place="霞浦街道",
        raised_by=None,
        resident="林（河西村）",
        statement=(
            "我家前年与拆迁单位签了合同，过渡费和安置面积到现在还有争议，官司已经打到法院，一审还没有判。"
            "今天各位领导都在，我想请人大给评一评理，也请政府部门帮我把合同上少算的那部分补回来。"
        ),
        exchanges=(
            Exchange(
                "question",
                "我想问一问，合同上的面积和后来量的面积差了十几个平方米，这笔账到底听谁的？"
                "法院那边拖了大半年，能不能请人大出面催一催？",
                speaker_name="选民代表",
            ),
            Exchange(
                "answer",
                "您的心情我们理解。这件事已经进入诉讼，依法由人民法院审理，人大和代表不能干预个案。今晚请街道司法所的同志留下来，"
                "告诉您怎样申请法律援助、怎样查询审理进度；对工作人员有意见，可以向信访部门反映。",
                speaker="li",
            ),
        ),
        outcome="not_accepted",
    ),
)


def _deputy(stem: str, came: str = "signed_in", note: str | None = None) -> Participant:
    return Participant(DEPUTY[stem], "deputy", "present", login=DEPUTY[stem], came=came, note=note)


def _head(code: str, came: str = "signed_in") -> Participant:
    login = DEPARTMENT_LOGINS[code]
    return Participant(login, "department_head", "in_attendance", login=login, department=code, came=came)


def _street_office(code: str) -> Participant:
    login = DEPARTMENT_LOGINS[code]
    return Participant(login, "street_office", "in_attendance", login=login, department=code, came="signed_in")


PARTICIPANTS = (
    Participant("li", "chair", "present", login="li", came="signed_in"),
    Participant("leader", "standing_committee_leader", "present", login="leader", came="signed_in"),
    Participant("street", "street_committee", "present", login="street", came="signed_in"),
    Participant("sun", "street_committee", "present", login="sun", came="signed_in"),
    Participant("feng", "street_committee", "present", login="feng", came="signed_in"),
    *(_deputy(stem) for stem in "甲乙丙丁戊己庚辛"),
    _deputy("壬", "on_leave", "公务"),
    Participant("wang", "government_leader", "in_attendance", login="wang", came="signed_in"),
    *(_head(code) for code in ("health", "education", "transport", "enforcement", "civil", "housing")),
    *(_street_office(code) for code in ("xinqi", "xiapu", "guoju")),
    Participant("residents", "resident", "in_attendance", title="选民代表", seats=10, came="signed_in"),
    Participant("organiser", "recorder", "in_attendance", login="organiser", came="signed_in"),
)

HEARING = Hearing(
    key="night-9",
    kind="night_hearing",
    serial_no=9,
    station="XQ",
    title="北仑区人大代表民生夜询会",
    theme="家门口的民生小事",
    starts_at=at(2021, 3, 25, 19, 0),
    ends_at=at(2021, 3, 25, 21, 0),
    opened_at=at(2021, 3, 25, 19, 0),
    concluded_at=at(2021, 3, 25, 21, 5),
    status="filed",
    chair="li",
    leaders=("leader", "li", "wang"),
    recorder="organiser",
    participants=PARTICIPANTS,
    departments=(
        "health",
        "education",
        "transport",
        "enforcement",
        "civil",
        "housing",
        "xinqi",
        "xiapu",
        "guoju",
    ),
    deputies=tuple(DEPUTY.values()),
    topics=TOPICS,
    issues=ISSUES,
    last_time="第8期夜询会交办的问题已逐项办理，会前由街道人大工委实地看过，办理情况表发至各位代表座席。",
    minutes=(
        "会议指出，夜询会开到居民家门口，问题来自走访，答复面向群众，是人大代表联系选民、政府部门接受监督的实在办法。"
        "会议要求，各承办单位对照承诺逐项落实到人、到日，新碶、霞浦、郭巨街道人大工委做好跟踪，未当场解决的列入“回头看”，"
        "办理结果向代表和选民反馈。"
    ),
)

LOOK_BACK = Hearing(
    key="look-back-2021-05",
    kind="look_back",
    serial_no=None,
    station="GJ",
    title="第9期夜询会交办问题第一次“回头看”",
    theme="看现场、听意见、对承诺",
    starts_at=at(2021, 5, 27, 14, 30),
    ends_at=at(2021, 5, 27, 17, 0),
    opened_at=at(2021, 5, 27, 14, 30),
    concluded_at=at(2021, 5, 27, 16, 50),
    status="filed",
    chair="li",
    leaders=("li",),
    recorder="organiser",
    participants=(
        Participant("li", "chair", "present", login="li", came="signed_in"),
        Participant("feng", "street_committee", "present", login="feng", came="signed_in"),
        *(_deputy(stem) for stem in "甲丙丁戊辛"),
        *(_head(code) for code in ("health", "transport", "civil")),
        *(_street_office(code) for code in ("xinqi", "xiapu", "guoju")),
        Participant("residents", "resident", "in_attendance", title="选民代表", seats=6, came="signed_in"),
        Participant("organiser", "recorder", "in_attendance", login="organiser", came="signed_in"),
    ),
    departments=("health", "transport", "civil", "xinqi", "xiapu", "guoju"),
    deputies=tuple(DEPUTY[stem] for stem in "甲丙丁戊辛"),
    carried=(("night-9", 1), ("night-9", 3), ("night-9", 4), ("night-9", 5)),
    minutes="先在古城南门内看弄堂清淤和石板临时加固，再到街道会议室逐项对照承诺，听取代表和选民意见。",
)

EVALUATION = Hearing(
    key="evaluation-2021-09",
    kind="evaluation_meeting",
    serial_no=None,
    station="BL",
    title="2021年重点督办建议办理工作绩效评估座谈会",
    theme="儿童友好型学校与桥下空间整治",
    starts_at=at(2021, 9, 16, 14, 0),
    ends_at=at(2021, 9, 16, 16, 30),
    opened_at=at(2021, 9, 16, 14, 0),
    concluded_at=at(2021, 9, 16, 16, 20),
    status="filed",
    chair="leader",
    leaders=("leader", "li", "wang"),
    recorder="organiser",
    participants=(
        Participant("leader", "chair", "present", login="leader", came="signed_in"),
        Participant("li", "standing_committee_leader", "present", login="li", came="signed_in"),
        Participant("street", "street_committee", "present", login="street", came="signed_in"),
        Participant("sun", "street_committee", "present", login="sun", came="signed_in"),
        *(_deputy(stem) for stem in "甲乙丙丁戊己庚辛"),
        Participant("wang", "government_leader", "in_attendance", login="wang", came="signed_in"),
        *(_head(code) for code in ("education", "transport", "civil", "housing")),
        *(_street_office(code) for code in ("xinqi", "xiapu")),
        Participant("residents", "resident", "in_attendance", title="选民代表", seats=10, came="signed_in"),
        Participant("organiser", "recorder", "in_attendance", login="organiser", came="signed_in"),
    ),
    departments=("education", "transport", "civil", "housing", "xinqi", "xiapu"),
    deputies=tuple(DEPUTY[stem] for stem in "甲乙丙丁戊己庚辛"),
    carried=(("night-9", 2), ("night-9", 3), ("night-9", 5)),
    minutes=(
        "区教育局、区交通运输局主要负责人汇报办理情况，人大新碶街道工委、人大霞浦街道工委作初步评估，"
        "代表和选民发表意见后现场进行满意度测评，当场计票并宣布结果。"
    ),
)
