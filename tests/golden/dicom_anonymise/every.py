"""Every attribute of the table with a recognisable value, at the top, nested and in private sequences, in four transfer syntaxes and with all
options, written by pydicom; the copies are read by pydicom, and none of the values may stand in their bytes.

    python every.py path/to/schwann          (in an empty folder; needs pydicom 3)
"""
import json, subprocess, itertools, os, shutil, glob, sys, copy
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.datadict import dictionary_VR
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian
import warnings; warnings.simplefilter('ignore'); pydicom.config.settings.writing_validation_mode=0; pydicom.config.settings.reading_validation_mode=0
S=sys.argv[1]
T=json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)),'table.json')))
UID,DATE,TIME='1.2.3.99999.1','19230405','112233'
def col(k,c): return c in T['options'].get(k,{})
def build(kept):
    ds=Dataset(); n=0
    for k,a in T['basic'].items():
        g,e=int(k[:4],16),int(k[4:],16)
        if g<8 or g>0x7fe0 or k in('00420011','0040a730','00700001','00080018','00100010'): continue
        try: vr=dictionary_VR((g,e))
        except KeyError: continue
        vr=vr.split(' or ')[0]
        keep=kept(k)
        if vr=='SQ':
            i=Dataset(); i.CodeMeaning='of QZXFamily'; v=Sequence([i])
        elif vr in('DA',): v=DATE
        elif vr=='DT': v=DATE+TIME
        elif vr=='TM': v=TIME
        elif vr=='UI': v=UID if keep!='K' else '1.2.3.88888'
        elif vr=='AS': v='093Y'
        elif vr in('DS','IS'): v='1'
        elif vr=='US': v=1
        elif vr in('OB','OW','UN'): v=b'QZX00000'
        elif vr in ('AE','CS','SH','LO','ST','LT','UT','UC','UR','PN'): v='QZX'+k[4:] if not keep else 'QZXfamily' if keep=='K' or vr=='CS' else 'QZXfamily 1234567 5.4.1923'
        else: print('vr',vr,k); continue
        ds.add_new((g,e),vr,v); n+=1
    inner=copy.deepcopy(ds)
    ds.PatientName='QZXFamily^QZXGiven'
    mid=Dataset(); mid.PurposeOfReferenceCodeSequence=Sequence([inner,copy.deepcopy(inner)])
    ds.DerivationImageSequence=Sequence([mid])
    ds.SOPClassUID='1.2.840.10008.5.1.4.1.1.4'; ds.SOPInstanceUID='1.2.3.99999.2'
    ds.BodyPartExamined='QZXFAMILY HEAD'; ds.SequenceName='t2 of qzxgiven'; ds.RepetitionTime='1234.5'
    b=ds.private_block(0x0009,'QZX MAKER',create=True); b.add_new(0x10,'OB',b'QZX maker '); b.add_new(0x11,'SQ',Sequence([copy.deepcopy(inner)]))
    ds.add_new((0x5000,0x3000),'OW',b'QZX curv'); ds.add_new((0x6000,0x3000),'OW',b'QZX over'); ds.add_new((0x6002,0x4000),'LT','QZX comments'); ds.add_new((0x0008,0xfffe),'LO','QZX unknown')
    ds.Rows=ds.Columns=32; ds.BitsAllocated=ds.BitsStored=16; ds.HighBit=15; ds.PixelRepresentation=0; ds.SamplesPerPixel=1; ds.PhotometricInterpretation='MONOCHROME2'
    ds.PixelData=bytes(n*37%251 for n in range(2048))
    return ds,n
count=0
for ts in (ImplicitVRLittleEndian,ExplicitVRLittleEndian,ExplicitVRBigEndian,DeflatedExplicitVRLittleEndian):
    for dates,dev,desc,char in itertools.product((0,1),repeat=4):
        ds,n=build(lambda k:'K' if (dev and col(k,'device')) or (char and col(k,'characteristics')) else 'C' if desc and col(k,'descriptors') else '')
        ds.file_meta=FileMetaDataset(); ds.file_meta.TransferSyntaxUID=ts; ds.file_meta.MediaStorageSOPClassUID=ds.SOPClassUID; ds.file_meta.MediaStorageSOPInstanceUID=ds.SOPInstanceUID
        ds.preamble=b'QZX '*32
        ds.save_as('every.dcm',implicit_vr=ts==ImplicitVRLittleEndian,little_endian=ts!=ExplicitVRBigEndian,enforce_file_format=True)
        if os.path.exists('every_out.dcm'): os.remove('every_out.dcm')
        a=[S,'anonymise','every.dcm','-o','every_out.dcm','--json','--pseudonym','Somebody','--keep-dates',('shifted','removed')[dates]]
        a+=['--keep-device']*dev+['--keep-descriptions']*desc+['--keep-characteristics']*char
        r=subprocess.run(a,capture_output=True,text=True)
        assert r.returncode==0,r.stderr
        out=pydicom.dcmread('every_out.dcm'); raw=open('every_out.dcm','rb').read()
        if ts==DeflatedExplicitVRLittleEndian:
            import zlib; o=raw.index(b'DICM')+4; L=out.file_meta.FileMetaInformationGroupLength+12; raw=raw[:o+L]+zlib.decompress(raw[o+L:],-15)
        low=raw.lower()
        for m in (b'qzx',UID.encode(),DATE.encode(),b'1234567',b'5.4.1923',b'093y'):
            assert m not in low,(ts.name,dates,dev,desc,char,m,low[low.index(m)-60:low.index(m)+20])
        assert (TIME.encode() in low)==(not dates)
        assert bytes(ds.PixelData)==bytes(out.PixelData)
        assert str(out.PatientName)=='Somebody' and out.BodyPartExamined=='___ HEAD',out.BodyPartExamined
        assert ('PatientAge' in out)==bool(char)==('PatientWeight' in out)
        assert str(out.RepetitionTime)=='1234.5' and out.Rows==32
        assert 'qzx' not in r.stdout.lower() and UID not in r.stdout
        assert not any(e.tag.is_private for e in out.iterall())
        j=json.loads(r.stdout); assert j['private']>=3,j['private']
        count+=1
print(n,'attributes,',count,'copies without a mark')
