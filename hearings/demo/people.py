"""The offices, stations and people of the demo. All people are invented.

The people of the example hearing are called 张某某, 代表甲 and so on, as an office would print an
example; everybody else has an ordinary name that occurs once.
"""

from __future__ import annotations

from datetime import date

from hearings.demo.shapes import Department, Person, Station

STREETS = ("新碶", "小港", "大碶", "霞浦", "柴桥", "戚家山", "春晓", "梅山", "白峰", "郭巨")

STREET_CODES = {
    "新碶": "xinqi",
    "小港": "xiaogang",
    "大碶": "daqi",
    "霞浦": "xiapu",
    "柴桥": "chaiqiao",
    "戚家山": "qijiashan",
    "春晓": "chunxiao",
    "梅山": "meishan",
    "白峰": "baifeng",
    "郭巨": "guoju",
}

# code, name, short name, head, contact
_BUREAUS = (
    ("health", "区卫生健康局", "区卫健局", "赵某某", "贺明珠"),
    ("education", "区教育局", "区教育局", "吴某某", "柴文静"),
    ("transport", "区交通运输局", "区交通运输局", "郑某某", "龚海涛"),
    ("enforcement", "区综合行政执法局", "区综合执法局", "陈某某", "樊国强"),
    ("civil", "区民政局", "区民政局", "褚某某", "滕秀兰"),
    ("housing", "区住房和城乡建设局", "区住建局", "卫某某", "邬建峰"),
    ("market", "区市场监督管理局", "区市场监管局", "汪立群", "丁雪芬"),
    ("environment", "市生态环境局北仑分局", "生态环境分局", "石松年", "闻晓岚"),
    ("planning", "市自然资源和规划局北仑分局", "自然资源和规划分局", "项志远", "尤佳琪"),
    ("water", "区水利局", "区水利局", "江海平", "岑永康"),
    ("agriculture", "区农业农村局", "区农业农村局", "胡根良", "葛素珍"),
    ("culture", "区文化和广电旅游体育局", "区文广旅体局", "柳文渊", "施雅琴"),
    ("labour", "区人力资源和社会保障局", "区人社局", "应伟民", "包丽娟"),
    ("insurance", "区医疗保障局", "区医保局", "戴慧敏", "洪佩君"),
    ("emergency", "区应急管理局", "区应急管理局", "罗振华", "任勇刚"),
    ("fire", "区消防救援大队", "区消防救援大队", "郝铁军", "孔祥瑞"),
    ("economy", "区经济和信息化局", "区经信局", "傅宏伟", "翁志杰"),
    ("commerce", "区商务局", "区商务局", "薛亚萍", "邵一鸣"),
    ("police", "市公安局北仑分局", "公安分局", "雷正刚", "姜海峰"),
    ("justice", "区司法局", "区司法局", "方正清", "詹玉梅"),
    ("petition", "区信访局", "区信访局", "史和平", "竺爱华"),
    ("govoffice", "区政府办公室", "区政府办", "余承志", "裘思远"),
    ("reform", "区发展和改革局", "区发改局", "沈启明", "虞晓东"),
)

# street, head of the office, contact
_STREET_OFFICES = (
    ("新碶", "董建成", "俞春燕"),
    ("小港", "顾益民", "励红波"),
    ("大碶", "徐国栋", "乐彩霞"),
    ("霞浦", "林海生", "张亚飞"),
    ("柴桥", "王松华", "曹银娣"),
    ("戚家山", "周世杰", "钟燕飞"),
    ("春晓", "李爱国", "邱敏霞"),
    ("梅山", "陈海龙", "贝军辉"),
    ("白峰", "张定国", "梅小红"),
    ("郭巨", "刘继承", "舒国良"),
)

# code, name, short name, kind, head, contact: they have no account, a colleague writes for them
_OTHERS = (
    ("traffic_police", "区交警部门", "区交警部门", "other", "严守信", "关永年"),
    ("heritage", "文保部门", "文保部门", "other", "苏景和", "万里春"),
    ("bus", "公交企业", "公交企业", "enterprise", "马跃进", "宋小军"),
    ("power", "供电企业", "供电企业", "enterprise", "高明亮", "阮光耀"),
    ("waterworks", "供水企业", "供水企业", "enterprise", "水清源", "潘晓波"),
    ("gas", "燃气企业", "燃气企业", "enterprise", "冉庆丰", "袁丽平"),
    ("telecom", "通信运营企业", "通信企业", "enterprise", "路通达", "毛佳伟"),
    ("port", "港口运营企业", "港口企业", "enterprise", "向东海", "屠立新"),
    ("metro", "轨道交通企业", "轨道企业", "enterprise", "蒋轶伦", "夏小敏"),
)

OFFICE = {"ORGANISATION": "北仑区人大常委会", "OFFICE_NAME": "北仑区人大常委会办公室", "CONGRESS": "北仑区人大"}
"""What the example's office is called."""

DEPARTMENTS: tuple[Department, ...] = (
    *(Department(code, name, short, "bureau", head, contact) for code, name, short, head, contact in _BUREAUS),
    Department(
        "data",
        "区数据局",
        "区数据局",
        "bureau",
        "盛智勇",
        "祝云帆",
        former_name="区大数据发展管理局",
        former_short_name="区大数据局",
        renamed_on=date(2024, 5, 20),
    ),
    *(
        Department(
            STREET_CODES[street],
            f"{street}街道办事处",
            f"{street}街道办",
            "street_office",
            head,
            contact,
            street=street,
        )
        for street, head, contact in _STREET_OFFICES
    ),
    *(
        Department(code, name, short, kind, head, contact, signs_in=False)
        for code, name, short, kind, head, contact in _OTHERS
    ),
)

STATIONS: tuple[Station, ...] = (
    Station("BL", "北仑区人大代表之家", "新碶", "新碶街道长江路一侧行政中心北楼三楼(示例)", 80, "周某某"),
    Station("XQ", "新碶街道人大代表联络站", "新碶", "新碶街道明州路便民服务中心二楼议事厅(示例)", 60, "俞春燕"),
    Station("XG", "小港街道人大代表联络站", "小港", "小港街道渡口南路文化礼堂一楼(示例)", 50, "励红波"),
    Station("DQ", "大碶街道人大代表联络站", "大碶", "大碶街道人民北路党群服务中心三楼(示例)", 60, "乐彩霞"),
    Station("XP", "霞浦街道人大代表联络站", "霞浦", "霞浦街道九峰南路邻里中心二楼(示例)", 45, "张亚飞"),
    Station("CQ", "柴桥街道人大代表联络站", "柴桥", "柴桥街道芦江河沿老供销社大院(示例)", 50, "曹银娣"),
    Station("QJ", "戚家山街道人大代表联络站", "戚家山", "戚家山街道蔚斗路社区服务中心(示例)", 40, "钟燕飞"),
    Station("CX", "春晓街道人大代表联络站", "春晓", "春晓街道听海路市民中心附楼(示例)", 45, "邱敏霞"),
    Station("MS", "梅山街道人大代表联络站", "梅山", "梅山街道盐场路文体中心二楼(示例)", 40, "贝军辉"),
    Station("BF", "白峰街道人大代表联络站", "白峰", "白峰街道峰城路文化站一楼(示例)", 40, "梅小红"),
    Station("GJ", "郭巨街道人大代表联络站", "郭巨", "郭巨街道古城南门内老乡公所(示例)", 40, "舒国良"),
)

_CONGRESS = "区人大常委会"

_LEADERS = (
    Person("leader", "张某某", "主任", ("leader",), 10, unit=_CONGRESS),
    Person("li", "李某某", "副主任", ("leader", "deputy"), 11, unit=_CONGRESS),
    Person("leader3", "孟宪章", "副主任", ("leader", "deputy"), 12, unit=_CONGRESS),
    Person("leader4", "华蕴秋", "副主任", ("leader", "deputy"), 13, unit=_CONGRESS),
    Person("leader5", "庄敬业", "副主任", ("leader", "deputy"), 14, unit=_CONGRESS),
    Person("mayor", "康泰安", "区长", ("leader",), 20, unit="区人民政府"),
    Person("wang", "王某某", "副区长", ("leader",), 21, unit="区人民政府"),
    Person("mayor3", "叶知行", "副区长", ("leader",), 22, unit="区人民政府"),
    Person("mayor4", "温如玉", "副区长", ("leader",), 23, unit="区人民政府"),
    Person("mayor5", "连卫东", "副区长", ("leader",), 24, unit="区人民政府"),
)

_OFFICE = (
    Person("admin", "程立信", "系统管理员", ("admin",), 900, unit="区人大常委会办公室"),
    Person("auditor", "鲁秉公", "审计员", ("auditor",), 901, unit="区人大常委会办公室"),
    Person("organiser", "周某某", "工作人员", ("organiser",), 60, unit="区人大常委会代表工委"),
    Person("organiser2", "池秀慧", "副主任", ("organiser",), 59, unit="区人大常委会代表工委"),
    Person(
        "street",
        "钱某某",
        "主任",
        ("organiser",),
        40,
        stations=("XQ",),
        street="新碶",
        unit="新碶街道人大工委",
    ),
    Person("sun", "孙某某", "主任", ("organiser",), 43, stations=("XP",), street="霞浦", unit="霞浦街道人大工委"),
    Person("feng", "冯某某", "主任", ("organiser",), 49, stations=("GJ",), street="郭巨", unit="郭巨街道人大工委"),
    Person(
        "gw-xiaogang",
        "毕忠良",
        "主任",
        ("organiser",),
        41,
        stations=("XG",),
        street="小港",
        unit="小港街道人大工委",
    ),
    Person(
        "gw-daqi",
        "缪文斌",
        "主任",
        ("organiser",),
        42,
        stations=("DQ",),
        street="大碶",
        unit="大碶街道人大工委",
    ),
    Person(
        "gw-chaiqiao",
        "段秋生",
        "主任",
        ("organiser",),
        44,
        stations=("CQ",),
        street="柴桥",
        unit="柴桥街道人大工委",
    ),
    Person(
        "gw-qijiashan",
        "骆美芳",
        "主任",
        ("organiser",),
        45,
        stations=("QJ",),
        street="戚家山",
        unit="戚家山街道人大工委",
    ),
    Person(
        "gw-chunxiao",
        "黎晓光",
        "主任",
        ("organiser",),
        46,
        stations=("CX",),
        street="春晓",
        unit="春晓街道人大工委",
    ),
    Person(
        "gw-meishan",
        "童海燕",
        "主任",
        ("organiser",),
        47,
        stations=("MS",),
        street="梅山",
        unit="梅山街道人大工委",
    ),
    Person(
        "gw-baifeng",
        "倪春潮",
        "主任",
        ("organiser",),
        48,
        stations=("BF",),
        street="白峰",
        unit="白峰街道人大工委",
    ),
)

EXAMPLE_DEPUTIES = {
    "甲": "deputy",
    "乙": "daibiao-yi",
    "丙": "daibiao-bing",
    "丁": "daibiao-ding",
    "戊": "daibiao-wu",
    "己": "daibiao-ji",
    "庚": "daibiao-geng",
    "辛": "daibiao-xin",
    "壬": "daibiao-ren",
}

_EXAMPLE_STREETS = ("新碶", "新碶", "霞浦", "郭巨", "新碶", "新碶", "霞浦", "郭巨", "新碶")

# name, job, street: five or so to a street, as deputies' groups are
_DEPUTIES = (
    ("竺惠芬", "社区卫生服务中心主任医师", "新碶"),
    ("蔡永良", "港务装卸公司班组长", "新碶"),
    ("谢文娟", "小学校长", "新碶"),
    ("陆建国", "社区党委书记", "新碶"),
    ("金海波", "集装箱运输公司经理", "新碶"),
    ("姚丽萍", "律师事务所合伙人", "新碶"),
    ("潘志明", "公交驾驶员", "新碶"),
    ("范菊香", "社区党委书记", "小港"),
    ("彭国平", "模具厂技师", "小港"),
    ("乌水根", "村党支部书记", "小港"),
    ("凌晓燕", "幼儿园园长", "小港"),
    ("武志强", "装备制造企业负责人", "小港"),
    ("韩素云", "社区居委会主任", "大碶"),
    ("杨志良", "模具行业协会秘书长", "大碶"),
    ("朱海英", "中学教师", "大碶"),
    ("唐金法", "农业合作社理事长", "大碶"),
    ("费国庆", "汽车零部件企业工程师", "大碶"),
    ("贾玉琴", "护士长", "大碶"),
    ("郁亚芬", "社区党委书记", "霞浦"),
    ("田永福", "村委会主任", "霞浦"),
    ("崔立军", "化工企业安全总监", "霞浦"),
    ("侯海燕", "外贸公司经理", "霞浦"),
    ("卢荣华", "花木专业合作社社长", "柴桥"),
    ("陶阿娣", "村妇联主席", "柴桥"),
    ("常永乐", "乡村医生", "柴桥"),
    ("严梅芳", "中心小学教师", "柴桥"),
    ("章一平", "杜鹃花种植户", "柴桥"),
    ("沙明华", "物业公司经理", "戚家山"),
    ("邹建英", "社区居委会主任", "戚家山"),
    ("向阳春", "石化企业高级工", "戚家山"),
    ("万晓东", "电商企业负责人", "戚家山"),
    ("钱松涛", "滨海旅游公司经理", "春晓"),
    ("岳晓梅", "社区党支部书记", "春晓"),
    ("牟建波", "整车制造企业工程师", "春晓"),
    ("虞阿法", "渔业合作社社长", "梅山"),
    ("邢雅芝", "跨境电商企业负责人", "梅山"),
    ("卓海滨", "港区理货员", "梅山"),
    ("郎秀娥", "社区居委会主任", "梅山"),
    ("封志国", "村党总支书记", "白峰"),
    ("艾素珍", "茶叶种植户", "白峰"),
    ("苗永军", "造船企业焊工", "白峰"),
    ("符雪莲", "轮渡码头职工", "白峰"),
    ("耿忠义", "村党支部书记", "郭巨"),
    ("乔云霞", "古城民宿经营者", "郭巨"),
    ("尹志海", "渔业捕捞船长", "郭巨"),
    ("卞爱珠", "退休教师", "郭巨"),
)

PEOPLE: tuple[Person, ...] = (
    *_LEADERS,
    *_OFFICE,
    *(
        Person(
            "department" if d.code == "transport" else f"{d.code}-office",
            d.head,
            "办事处主任" if d.kind == "street_office" else "主要负责人",
            ("department",),
            (300 if d.kind == "street_office" else 200) + i,
            department=d.code,
            street=d.street,
            unit=d.name,
        )
        for i, d in enumerate(DEPARTMENTS)
        if d.signs_in
    ),
    *(
        Person(login, f"代表{stem}", "区人大代表", ("deputy",), 100 + i, street=street, unit="区人大代表")
        for i, ((stem, login), street) in enumerate(zip(EXAMPLE_DEPUTIES.items(), _EXAMPLE_STREETS, strict=True))
    ),
    *(
        Person(f"daibiao{i + 10}", name, job, ("deputy",), 110 + i, street=street, unit="区人大代表")
        for i, (name, job, street) in enumerate(_DEPUTIES)
    ),
)

PEOPLE_BY_LOGIN = {person.login: person for person in PEOPLE}
DEPARTMENTS_BY_CODE = {department.code: department for department in DEPARTMENTS}
DEPARTMENT_LOGINS = {p.department: p.login for p in PEOPLE if p.department}
"""the account of each department that has one"""


def department_name(code: str, day: date) -> str:
    """The name a paper of that day carries."""
    department = DEPARTMENTS_BY_CODE[code]
    if department.renamed_on and department.former_name and day < department.renamed_on:
        return department.former_name
    return department.name
